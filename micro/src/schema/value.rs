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
        Shape::String => "string".to_owned(),
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
