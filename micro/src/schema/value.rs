//! The tree of names and types that Go Micro keeps in its registry.

use super::{Body, Described, Field, Shape};
use crate::registry::Value;

/// Go Micro stops here.
const DEPTH: usize = 3;

/// The tree of a message. At the root, name and type are the type's own.
pub(super) fn tree(described: &Described) -> Value {
    let mut root = node(described.shape, 0);
    root.kind = match described.shape {
        Shape::Named(_) | Shape::Type(_) => described.name.to_owned(),
        _ => root.kind,
    };
    root.name = root.kind.clone();
    root
}

fn node(shape: Shape, depth: usize) -> Value {
    let shape = solid(shape);
    let values = match shape {
        Shape::Type(named) if depth + 1 < DEPTH => match (named.body)() {
            Body::Struct(fields) => children(fields, depth + 1),
            Body::Same(_) | Body::Enum(..) => Vec::new(),
        },
        _ => Vec::new(),
    };
    Value { name: String::new(), kind: kind(shape), values }
}

fn children(fields: &[Field], depth: usize) -> Vec<Value> {
    let mut values = Vec::new();
    for field in fields {
        match (field.flattened, solid(field.shape)) {
            (true, Shape::Type(named)) => {
                if let Body::Struct(inner) = (named.body)() {
                    values.extend(children(inner, depth));
                }
            }
            // What a flattened map or unknown type holds has no names of its own.
            (true, _) => {}
            (false, shape) => values.push(Value { name: field.name.to_owned(), ..node(shape, depth) }),
        }
    }
    values
}

/// The shape without what Go's type names do not show: pointers, and structs that are another type by a new name.
fn solid(shape: Shape) -> Shape {
    match shape {
        Shape::Option(inner) => solid(*inner),
        Shape::Type(named) => match (named.body)() {
            Body::Same(inner) => solid(inner),
            _ => shape,
        },
        _ => shape,
    }
}

/// The type as Go writes it.
fn kind(shape: Shape) -> String {
    match solid(shape) {
        Shape::Any | Shape::Option(_) => "interface {}".to_owned(),
        Shape::Empty => "Empty".to_owned(),
        Shape::Bool => "bool".to_owned(),
        Shape::Integer { bits, signed: true } => format!("int{bits}"),
        Shape::Integer { bits, signed: false } => format!("uint{bits}"),
        Shape::Float { bits } => format!("float{bits}"),
        Shape::String | Shape::Format(_) => "string".to_owned(),
        Shape::Bytes => "[]uint8".to_owned(),
        Shape::List(item) => format!("[]{}", kind(*item)),
        Shape::Map(key, value) => format!("map[{}]{}", kind(*key), kind(*value)),
        Shape::Tuple(_) => "[]interface {}".to_owned(),
        // An enum without content is a string in JSON.
        Shape::Type(named) => match (named.body)() {
            Body::Enum(variants, super::Tag::Outside) if variants.iter().all(super::Variant::is_unit) => {
                "string".to_owned()
            }
            _ => named.name.to_owned(),
        },
        Shape::Named(name) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::schema::{Described, Schema};

    #[micro::message]
    struct Order {
        id: u64,
        #[serde(rename = "userName")]
        user: String,
        prices: std::collections::HashMap<String, f64>,
        lines: Vec<Line>,
        first: Line,
        state: State,
        change: Change,
        parent: Option<Box<Order>>,
        raw: crate::Bytes,
        number: Number,
    }

    #[micro::message]
    struct Line {
        amount: i32,
        inner: Inner,
    }

    #[micro::message]
    struct Inner {
        deep: Deep,
    }

    #[micro::message]
    struct Deep {
        deeper: bool,
    }

    #[micro::message]
    enum State {
        Open,
        Shut,
    }

    #[micro::message]
    enum Change {
        None,
        To { state: State },
    }

    #[micro::message]
    struct Number(u32);

    fn tree<T: Schema + 'static>(name: &'static str) -> serde_json::Value {
        serde_json::to_value(Described::new::<T>(name, None, Some(T::SHAPE)).value()).unwrap()
    }

    #[test]
    fn names_and_types_are_those_of_go() {
        let order = tree::<Order>("Order");
        assert_eq!((&order["name"], &order["type"]), (&"Order".into(), &"Order".into()));
        let fields: Vec<_> =
            order["values"].as_array().unwrap().iter().map(|field| (&field["name"], &field["type"])).collect();
        let expected = [
            ("id", "uint64"),
            ("userName", "string"),
            ("prices", "map[string]float64"),
            ("lines", "[]Line"),
            ("first", "Line"),
            ("state", "string"),
            ("change", "Change"),
            ("parent", "Order"),
            ("raw", "[]uint8"),
            ("number", "uint32"),
        ];
        assert_eq!(
            fields,
            expected
                .map(|(name, kind)| (name.into(), kind.into()))
                .iter()
                .map(|(a, b)| (a, b))
                .collect::<Vec<(&serde_json::Value, &serde_json::Value)>>()
        );
    }

    #[test]
    fn three_levels_are_enough_even_for_a_type_that_holds_itself() {
        let order = tree::<Order>("Order");
        let inner = &order["values"][4]["values"][1];
        assert_eq!((&inner["name"], &inner["type"]), (&"inner".into(), &"Inner".into()));
        assert_eq!(inner["values"], serde_json::json!([]));
        let parent = &order["values"][7];
        assert_eq!(parent["values"][7]["values"], serde_json::json!([]));
    }

    #[test]
    fn a_type_without_a_schema_is_its_name() {
        let plain = serde_json::to_value(Described::named("Plain", &[]).value()).unwrap();
        assert_eq!(plain, serde_json::json!({"name": "Plain", "type": "Plain", "values": []}));
        assert_eq!(Described::nothing().value().kind, "Empty");
    }
}
