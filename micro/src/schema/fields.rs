//! Which fields of a message text can fill.

use std::borrow::Cow;

use super::{Body, Field, Shape, Tag, Variant};

/// How deep in a message text reaches: `a.b.c` is three.
const DEPTH: usize = 32;

/// A field, by its names in JSON from the outermost message to the value.
#[cfg_attr(not(feature = "http"), allow(dead_code, reason = "URLs come over HTTP"))]
#[derive(Debug)]
pub(super) struct Place<'n> {
    pub(super) path: Vec<Cow<'n, str>>,
    pub(super) shape: Shape,
}

/// The field of that name, which is the one in Rust or the one in JSON; `address.city` is a field of a field.
///
/// In a message of which only the name is known every name is a field.
pub(super) fn find(shape: Shape, name: &str) -> Option<Place<'_>> {
    let mut path = Vec::new();
    let shape = walk(shape, name, &mut path, DEPTH)?;
    Some(Place { path, shape })
}

fn walk<'n>(shape: Shape, name: &'n str, path: &mut Vec<Cow<'n, str>>, depth: usize) -> Option<Shape> {
    let depth = depth.checked_sub(1)?;
    match inside(shape) {
        Inside::Fields(fields) => {
            let known = |name: &str| {
                let own = || fields.iter().filter(|field| !field.flattened);
                own().find(|field| field.name == name).or_else(|| own().find(|field| field.ident == name))
            };
            if let Some(field) = known(name) {
                path.push(field.name.into());
                return Some(field.json());
            }
            if let Some((field, rest)) = name.split_once('.').and_then(|(first, rest)| Some((known(first)?, rest))) {
                path.push(field.name.into());
                if let Some(shape) = walk(field.json(), rest, path, depth) {
                    return Some(shape);
                }
                path.pop();
            }
            fields.iter().filter(|field| field.flattened).find_map(|field| walk(field.json(), name, path, depth))
        }
        Inside::Map(value) if takes_text(value) => {
            path.push(name.into());
            Some(value)
        }
        Inside::Map(value) => {
            let (key, rest) = name.split_once('.')?;
            path.push(key.into());
            walk(value, rest, path, depth)
        }
        Inside::Anything => {
            path.extend(name.split('.').take(DEPTH + 1).map(Cow::from));
            (path.len() <= DEPTH).then_some(Shape::Any)
        }
        Inside::Nothing => None,
    }
}

/// What a value has inside that has a name.
enum Inside {
    Fields(&'static [Field]),
    Map(Shape),
    Anything,
    Nothing,
}

fn inside(shape: Shape) -> Inside {
    match solid(shape) {
        Shape::Any | Shape::Named(_) => Inside::Anything,
        Shape::Map(_, value) => Inside::Map(*value),
        Shape::Type(named) => match (named.body)() {
            Body::Struct(fields) => Inside::Fields(fields),
            Body::Enum(_, Tag::Outside) | Body::Same(_) => Inside::Nothing,
            // Which fields there are depends on the tag.
            Body::Enum(..) => Inside::Anything,
        },
        _ => Inside::Nothing,
    }
}

/// The shape without what JSON does not show: a value that may be absent, a struct that is another type by a new name.
pub(super) fn solid(shape: Shape) -> Shape {
    match shape {
        Shape::Option(inner) => solid(*inner),
        Shape::Type(named) => match (named.body)() {
            Body::Same(inner) => solid(inner),
            _ => shape,
        },
        _ => shape,
    }
}

pub(super) fn item_free(shape: Shape) -> bool {
    !matches!(solid(shape), Shape::List(_))
}

/// Whether a value can be written as text.
pub(super) fn takes_text(shape: Shape) -> bool {
    match solid(shape) {
        Shape::Empty | Shape::Map(..) | Shape::Tuple(_) => false,
        Shape::List(inner) => item_free(*inner) && takes_text(*inner),
        Shape::Type(named) => match (named.body)() {
            Body::Enum(variants, Tag::Outside) => variants.iter().any(Variant::is_unit),
            Body::Enum(_, Tag::None) => true,
            _ => false,
        },
        _ => true,
    }
}

/// What to call the fields that text can fill.
pub(super) fn names(shape: Shape) -> Vec<String> {
    let mut all = Vec::new();
    collect(shape, &mut all, DEPTH);
    all
}

fn collect(shape: Shape, all: &mut Vec<String>, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match inside(shape) {
        Inside::Fields(fields) => {
            for field in fields {
                match inside(field.json()) {
                    _ if field.flattened => collect(field.json(), all, depth),
                    _ if takes_text(field.json()) => all.push(field.name.to_owned()),
                    Inside::Nothing => {}
                    _ => all.push(format!("{}.*", field.name)),
                }
            }
        }
        Inside::Map(_) | Inside::Anything => all.push("*".to_owned()),
        Inside::Nothing => {}
    }
}

/// Whether a variable of a route, which is a field in Rust, can be filled.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(shape: Shape, name: &str) -> Result<(), String> {
    let fillable = || {
        let names = names(shape).join(", ");
        if names.is_empty() { "none can".to_owned() } else { format!("these can: {names}") }
    };
    match find(shape, name) {
        Some(place) if takes_text(place.shape) => Ok(()),
        Some(_) => Err(format!("text cannot fill the field `{name}`; {}", fillable())),
        None => Err(format!("`{name}` is no field that a caller can fill; {}", fillable())),
    }
}
