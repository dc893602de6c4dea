//! JSON Schema, and a hash that tells whether two are the same.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{Body, Content, Described, Field, MakeJson, Shape, Tag, Type, Variant};

/// The schema of a message with everything that it refers to.
pub(super) fn document(described: &Described) -> Value {
    let mut writer = Writer::default();
    let root = match described.shape {
        // The whole body; inside of a message bytes are a list of numbers.
        Shape::Bytes => json!({"contentMediaType": "application/octet-stream"}),
        shape => writer.schema(shape),
    };
    let mut document = Map::new();
    document.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    document.insert("title".to_owned(), described.name.into());
    match root {
        Value::Object(root) => document.extend(root),
        other => document.extend([("allOf".to_owned(), json!([other]))]),
    }
    if !writer.definitions.is_empty() {
        document.insert("$defs".to_owned(), Value::Object(writer.definitions));
    }
    Value::Object(document)
}

#[derive(Default)]
struct Writer {
    /// The name in `$defs` of each type, by its full path: two modules may each have a `Page`.
    names: HashMap<&'static str, String>,
    definitions: Map<String, Value>,
}

impl Writer {
    fn schema(&mut self, shape: Shape) -> Value {
        match shape {
            Shape::Any => json!({}),
            Shape::Empty => json!({"type": "object"}),
            Shape::Bool => json!({"type": "boolean"}),
            Shape::Integer { bits, signed } => integer(bits, signed),
            Shape::Float { bits: 32 } => json!({"type": "number", "format": "float"}),
            Shape::Float { .. } => json!({"type": "number", "format": "double"}),
            Shape::String => json!({"type": "string"}),
            Shape::Format("ip") => json!({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}),
            Shape::Format("char") => json!({"type": "string", "format": "char", "minLength": 1, "maxLength": 1}),
            Shape::Format(format) => json!({"type": "string", "format": format}),
            Shape::Bytes => json!({"type": "array", "items": integer(8, false)}),
            Shape::Option(inner) => json!({"anyOf": [self.schema(*inner), {"type": "null"}]}),
            Shape::List(item) => json!({"type": "array", "items": self.schema(*item)}),
            Shape::Map(key, value) => {
                let mut schema = json!({"type": "object", "additionalProperties": self.schema(*value)});
                if let Some(names) = self.key(*key) {
                    insert(&mut schema, "propertyNames", names);
                }
                schema
            }
            Shape::Tuple(items) => {
                let count = items.len();
                let items: Vec<Value> = items.iter().map(|item| self.schema(*item)).collect();
                json!({"type": "array", "prefixItems": items, "items": false, "minItems": count})
            }
            Shape::Text(_, "base64") => json!({"type": "string", "contentEncoding": "base64"}),
            // JSON Schema's own `duration` is another text.
            Shape::Text(_, "duration") => json!({"type": "string", "pattern": r"^-?\d+(\.\d{1,9})?s$"}),
            Shape::Text(_, "field-mask") => json!({"type": "string"}),
            Shape::Text(_, format) => json!({"type": "string", "format": format}),
            Shape::Type(named) => json!({"$ref": format!("#/$defs/{}", self.definition(named))}),
            Shape::Named(name) => json!({"title": name}),
        }
    }

    fn definition(&mut self, named: &'static Type) -> String {
        let path = (named.path)();
        if let Some(name) = self.names.get(path) {
            return name.clone();
        }
        let taken = |name: &String| self.names.values().any(|other| other == name);
        let numbered = (2..).map(|number| format!("{}{number}", named.name));
        let name = std::iter::once(named.name.to_owned()).chain(numbered).find(|name| !taken(name));
        let name = name.expect("there is always another number");
        // Before the body, which may refer to the type itself.
        self.names.insert(path, name.clone());
        let schema = match (named.body)() {
            Body::Same(shape) => self.schema(shape),
            Body::Struct(fields) => self.object(fields, named.default),
            Body::Enum(variants, tag) => self.choice(variants, tag),
        };
        self.definitions.insert(name.clone(), documented(schema, named.docs));
        name
    }

    /// What the keys of a map are, where that is more than text.
    fn key(&mut self, key: Shape) -> Option<Value> {
        match key {
            Shape::Integer { signed: true, .. } => Some(json!({"pattern": "^-?[0-9]+$"})),
            Shape::Integer { signed: false, .. } => Some(json!({"pattern": "^[0-9]+$"})),
            Shape::Bool => Some(json!({"enum": ["true", "false"]})),
            Shape::Type(_) | Shape::Format(_) => Some(self.schema(key)),
            _ => None,
        }
    }

    fn object(&mut self, fields: &[Field], default: Option<MakeJson>) -> Value {
        let defaults = default.map(|make| [make(), make()].map(Option::unwrap_or_default));
        let mut properties = Map::new();
        let (mut required, mut flattened) = (Vec::new(), Vec::new());
        let mut others = None;
        for field in fields {
            if let (true, Some(choices)) = (field.flattened, choices(field.json())) {
                flattened.push(self.at_most_one(choices, &mut properties));
                continue;
            }
            if field.flattened {
                match field.json() {
                    Shape::Map(_, value) => others = Some(self.schema(*value)),
                    // All of its fields or none of them.
                    Shape::Option(inner) => flattened.push(json!({"anyOf": [self.schema(*inner), {}]})),
                    shape => flattened.push(self.schema(shape)),
                }
                continue;
            }
            let mut schema = documented(self.schema(field.json()), field.docs);
            let of_type = || {
                let [one, other] = defaults.as_ref()?;
                one.get(field.name).filter(|value| other.get(field.name) == Some(value)).cloned()
            };
            if let Some(default) = field.default.map_or_else(of_type, steady) {
                insert(&mut schema, "default", default);
            }
            if field.deprecated {
                insert(&mut schema, "deprecated", true.into());
            }
            if field.required && !matches!(field.json(), Shape::Option(_)) {
                required.push(field.name);
            }
            properties.insert(field.name.to_owned(), schema);
        }
        let mut object = json!({"type": "object"});
        if !properties.is_empty() {
            insert(&mut object, "properties", Value::Object(properties));
        }
        if !required.is_empty() {
            insert(&mut object, "required", json!(required));
        }
        if let Some(others) = others {
            // Those that neither the fields nor what is flattened beside it have named.
            insert(&mut object, "unevaluatedProperties", others);
        }
        if !flattened.is_empty() {
            insert(&mut object, "allOf", Value::Array(flattened));
        }
        object
    }

    /// The choices of a oneof among the properties of its object; what is returned says that one may be there.
    fn at_most_one(&mut self, choices: &[Variant], properties: &mut Map<String, Value>) -> Value {
        for choice in choices {
            let schema = match choice.content {
                Content::Unit => json!({"type": "object"}),
                Content::Value(shape) => self.schema(shape),
                Content::Struct(fields) => self.object(fields, None),
            };
            properties.insert(choice.name.to_owned(), documented(schema, choice.docs));
        }
        let there: Vec<Value> = choices.iter().map(|choice| json!({"required": [choice.name]})).collect();
        let none = json!({"not": {"anyOf": there}});
        json!({"oneOf": there.into_iter().chain([none]).collect::<Vec<_>>()})
    }

    fn choice(&mut self, variants: &[Variant], tag: Tag) -> Value {
        let plain = |variant: &Variant| variant.is_unit() && variant.docs.is_empty();
        if matches!(tag, Tag::Outside) && variants.iter().all(plain) {
            let names: Vec<_> = variants.iter().map(|variant| variant.name).collect();
            return json!({"type": "string", "enum": names});
        }
        let choices: Vec<Value> = variants.iter().map(|variant| self.variant(variant, tag)).collect();
        match tag {
            Tag::None => json!({"anyOf": choices}),
            _ => json!({"oneOf": choices}),
        }
    }

    fn variant(&mut self, variant: &Variant, tag: Tag) -> Value {
        let name = variant.name;
        let content = match variant.content {
            Content::Unit => None,
            Content::Value(shape) => Some(self.schema(shape)),
            Content::Struct(fields) => Some(self.object(fields, None)),
        };
        let schema = match (tag, content) {
            (Tag::None, None) => json!({"type": "null"}),
            (Tag::None, Some(content)) => content,
            (Tag::Outside, None) => json!({"const": name}),
            (Tag::Outside, Some(content)) => {
                json!({"type": "object", "properties": {name: content}, "required": [name]})
            }
            (Tag::Beside(tag, key), Some(content)) => {
                json!({"type": "object", "properties": {tag: {"const": name}, key: content}, "required": [tag, key]})
            }
            (Tag::Inside(tag) | Tag::Beside(tag, _), None) => tagged(json!({"type": "object"}), tag, name),
            (Tag::Inside(tag), Some(content)) => tagged(content, tag, name),
        };
        documented(schema, variant.docs)
    }
}

/// The choices of an enum that may be absent, each in a field of its own name.
fn choices(shape: Shape) -> Option<&'static [Variant]> {
    match shape {
        Shape::Option(Shape::Type(named)) => match (named.body)() {
            Body::Enum(choices, Tag::Outside) => Some(choices),
            _ => None,
        },
        _ => None,
    }
}

/// An object that also has to have the tag of its variant.
fn tagged(content: Value, tag: &str, name: &str) -> Value {
    let tag = json!({"type": "object", "properties": {tag: {"const": name}}, "required": [tag]});
    match content.as_object() {
        Some(object) if object.len() == 1 && object.contains_key("type") => tag,
        _ => json!({"allOf": [tag, content]}),
    }
}

fn integer(bits: u32, signed: bool) -> Value {
    let mut schema = json!({"type": "integer"});
    if bits <= 64 {
        insert(&mut schema, "format", format!("{}{bits}", if signed { "int" } else { "uint" }).into());
    }
    // Readers that know no other numbers than floats would round the bounds of 64 bits.
    if bits <= 32 && signed {
        insert(&mut schema, "minimum", (i64::MIN >> (64 - bits)).into());
        insert(&mut schema, "maximum", (i64::MAX >> (64 - bits)).into());
    }
    if !signed {
        insert(&mut schema, "minimum", 0.into());
        if bits <= 32 {
            insert(&mut schema, "maximum", (u64::MAX >> (64 - bits)).into());
        }
    }
    schema
}

/// A value in JSON; none when the format has no form for it.
///
/// By way of the codec: the compiler has made that code, and makes no other.
pub(crate) fn json_of<T: serde::Serialize>(value: &T) -> Option<Value> {
    read(&crate::codec::json_text(value)?)
}

fn read(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(text).ok()
}

/// A default that is the same each time: not the time, and no random number.
fn steady(default: MakeJson) -> Option<Value> {
    default().filter(|value| default().as_ref() == Some(value))
}

fn documented(mut schema: Value, docs: &str) -> Value {
    if !docs.is_empty() {
        insert(&mut schema, "description", docs.into());
    }
    schema
}

fn insert(schema: &mut Value, key: &str, value: Value) {
    if let Value::Object(object) = schema {
        object.insert(key.to_owned(), value);
    }
}

/// A short name for schemas: the same for the same ones, in every process and on every machine.
///
/// Sixteen hexadecimal digits of FNV-1a over the schemas with sorted keys. It tells versions apart; it does not guard
/// against anybody who makes two of one hash on purpose.
pub fn hash<'v>(schemas: impl IntoIterator<Item = &'v Value>) -> String {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    for schema in schemas {
        hash.value(schema);
    }
    format!("{:016x}", hash.0)
}

struct Fnv(u64);

impl Fnv {
    fn bytes(&mut self, kind: u8, bytes: &[u8]) {
        let length = (bytes.len() as u64).to_be_bytes();
        for byte in std::iter::once(kind).chain(length).chain(bytes.iter().copied()) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.bytes(b's', text.as_bytes()),
            Value::Array(items) => {
                self.bytes(b'a', &(items.len() as u64).to_be_bytes());
                items.iter().for_each(|item| self.value(item));
            }
            Value::Object(object) => {
                self.bytes(b'o', &(object.len() as u64).to_be_bytes());
                // Sorted here: whether the map is depends on features of serde_json that any crate may switch on.
                let mut entries: Vec<_> = object.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                for (key, value) in entries {
                    self.bytes(b'k', key.as_bytes());
                    self.value(value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => self.bytes(b'v', value.to_string().as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    /// What is ordered.
    #[micro::message]
    struct Order {
        /// Unique.
        id: u64,
        note: Option<String>,
        parents: Vec<Order>,
        pair: (bool, f32),
        change: Change,
        tagged: Tagged,
        beside: Beside,
        any: serde_json::Value,
        raw: crate::Bytes,
        #[serde(flatten)]
        more: one::Page,
        other: two::Page,
    }

    #[micro::message]
    enum Change {
        None,
        /// To a state.
        To {
            state: i32,
        },
        Many(Vec<String>),
        Pair(i64, u8),
    }

    #[micro::message]
    #[serde(tag = "kind")]
    enum Tagged {
        Empty,
        Full { count: u8 },
    }

    #[micro::message]
    #[serde(tag = "kind", content = "value")]
    enum Beside {
        One(String),
    }

    mod one {
        #[micro::message]
        pub(super) struct Page {
            one: bool,
        }
    }

    mod two {
        #[micro::message]
        pub(super) struct Page {
            two: bool,
        }
    }

    /// With a default of its own, for a field and for the rest.
    #[micro::message]
    struct Absent {
        #[serde(default = "seven")]
        seven: u8,
        now: Now,
        other: Option<String>,
    }

    fn seven() -> u8 {
        7
    }

    /// Another number each time.
    #[micro::message]
    #[serde(default = "now")]
    struct Now {
        number: u64,
        steady: i8,
    }

    fn now() -> Now {
        static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        Now { number: NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed), steady: -1 }
    }

    /// As serde reads it.
    #[micro::message]
    #[derive(serde::Deserialize)]
    struct Strict {
        must: u8,
        may: Option<u8>,
        #[serde(default)]
        can: bool,
        #[serde(with = "text")]
        odd: u64,
        #[serde(flatten)]
        more: HashMap<String, i32>,
    }

    mod text {
        use serde::{Deserialize, Deserializer, Serializer};

        pub(super) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(number)
        }

        pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
            String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
        }
    }

    fn schema_of<T: Schema + 'static>(name: &'static str) -> Value {
        Described::new::<T>(name, None, Some(T::SHAPE)).json_schema()
    }

    #[test]
    fn a_type_that_holds_itself_refers_to_itself() {
        let schema = schema_of::<Order>("Order");
        assert_eq!(schema["$ref"], "#/$defs/Order");
        let order = &schema["$defs"]["Order"];
        assert_eq!(order["description"], "What is ordered.");
        assert_eq!(order["properties"]["id"]["description"], "Unique.");
        let parents = json!({"type": "array", "items": {"$ref": "#/$defs/Order"}, "default": []});
        assert_eq!(order["properties"]["parents"], parents);
        assert_eq!(order["properties"]["note"]["anyOf"][1], json!({"type": "null"}));
        assert_eq!(order["properties"]["any"], json!({"default": null}));
        let byte = json!({"type": "integer", "format": "uint8", "minimum": 0, "maximum": 255});
        assert_eq!(order["properties"]["raw"], json!({"type": "array", "items": byte, "default": []}));
        let whole = schema_of::<crate::Bytes>("Bytes");
        assert_eq!(whole["contentMediaType"], "application/octet-stream");
        let pair = json!([{"type": "boolean"}, {"type": "number", "format": "float"}]);
        assert_eq!(order["properties"]["pair"]["prefixItems"], pair);
    }

    #[test]
    fn what_is_missing_is_said() {
        let schema = schema_of::<Absent>("Absent");
        let absent = &schema["$defs"]["Absent"]["properties"];
        assert_eq!((&absent["seven"]["default"], &absent["other"]["default"]), (&json!(7), &Value::Null));
        assert_eq!(absent["now"]["default"], json!({"number": 0, "steady": 0}));
        let now = &schema["$defs"]["Now"]["properties"];
        assert_eq!(
            (now["number"].get("default"), &now["steady"]["default"]),
            (None, &json!(-1)),
            "a number that changes"
        );
        assert_eq!(schema["$defs"]["Absent"].get("required"), None);
        let strict = &schema_of::<Strict>("Strict")["$defs"]["Strict"];
        assert_eq!(strict["required"], json!(["must", "odd"]));
        assert_eq!(strict["properties"]["can"]["default"], false);
        assert_eq!(strict["properties"]["odd"], json!({}));
        assert_eq!(strict["unevaluatedProperties"]["format"], "int32");
    }

    #[test]
    fn two_types_of_one_name_are_two() {
        let schema = schema_of::<Order>("Order");
        assert_eq!(schema["$defs"]["Order"]["allOf"], json!([{"$ref": "#/$defs/Page"}]));
        assert_eq!(schema["$defs"]["Order"]["properties"]["other"]["$ref"], "#/$defs/Page2");
        assert_eq!(schema["$defs"]["Page"]["properties"]["one"]["type"], "boolean");
        assert_eq!(schema["$defs"]["Page2"]["properties"]["two"]["type"], "boolean");
    }

    #[test]
    fn enums_look_as_serde_writes_them() {
        let schema = schema_of::<Order>("Order");
        let change = &schema["$defs"]["Change"]["oneOf"];
        assert_eq!(change[0], json!({"const": "None"}));
        assert_eq!(change[1]["description"], "To a state.");
        assert_eq!(change[1]["required"], json!(["To"]));
        assert_eq!(change[2]["properties"]["Many"]["items"]["type"], "string");
        assert_eq!(change[3]["properties"]["Pair"]["minItems"], 2);
        let tagged = &schema["$defs"]["Tagged"]["oneOf"];
        assert_eq!(tagged[0]["properties"]["kind"]["const"], "Empty");
        assert_eq!(tagged[1]["allOf"][0]["properties"]["kind"]["const"], "Full");
        assert_eq!(tagged[1]["allOf"][1]["properties"]["count"]["minimum"], 0);
        assert_eq!(schema["$defs"]["Beside"]["oneOf"][0]["required"], json!(["kind", "value"]));
    }

    #[test]
    fn a_hash_tells_schemas_apart_and_stays_what_it_is() {
        let (order, change) = (schema_of::<Order>("Order"), schema_of::<Change>("Change"));
        assert_eq!(hash([&order]), hash([&schema_of::<Order>("Order")]));
        assert_ne!(hash([&order]), hash([&change]));
        assert_ne!(hash([&order, &change]), hash([&change, &order]));
        assert_ne!(hash([&json!(["a", "b"])]), hash([&json!(["ab"])]));
        assert_ne!(hash([&json!([["a"], "b"])]), hash([&json!([["a", "b"]])]));
        // Other versions of us compute the same.
        assert_eq!(hash([&json!({"b": [1, null], "a": "x"})]), "fb1e413e75573b4f");
        assert_eq!(hash([&json!({"a": "x", "b": [1, null]})]), "fb1e413e75573b4f");
        assert_eq!(hash([]), "cbf29ce484222325");
    }
}
