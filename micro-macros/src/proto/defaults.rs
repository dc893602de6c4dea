//! Defaults of proto2: a method that answers for a field that is not there.

use proc_macro2::{Literal, TokenStream};
use protox::prost_reflect::{Cardinality, FieldDescriptor, Kind, Value};
use quote::quote;

use super::build::Builder;
use super::model::{Accessor, Field};

/// The method, where the file gives a default to a field that may be absent.
pub(super) fn accessor(builder: &Builder<'_>, field: &FieldDescriptor, built: &Field) -> Option<Accessor> {
    let given = field.field_descriptor_proto().default_value.as_ref()?;
    if field.cardinality() != Cardinality::Optional || !field.supports_presence() {
        return None;
    }
    let ident = &built.head.ident;
    let copied = |ty: TokenStream, value: TokenStream| (ty, quote!(self.#ident.unwrap_or(#value)));
    let borrowed = |ty: TokenStream, value: TokenStream| (ty, quote!(self.#ident.as_deref().unwrap_or(#value)));
    let (ty, body) = match field.default_value() {
        Value::Bool(value) => copied(quote!(bool), quote!(#value)),
        Value::I32(value) => copied(quote!(i32), quote!(#value)),
        Value::I64(value) => copied(quote!(i64), quote!(#value)),
        Value::U32(value) => copied(quote!(u32), quote!(#value)),
        Value::U64(value) => copied(quote!(u64), quote!(#value)),
        Value::F32(value) => copied(quote!(f32), float(value.into(), quote!(f32), |_| quote!(#value))),
        Value::F64(value) => copied(quote!(f64), float(value, quote!(f64), |value| quote!(#value))),
        Value::String(value) => borrowed(quote!(&str), quote!(#value)),
        Value::Bytes(value) => {
            let value = Literal::byte_string(&value);
            borrowed(quote!(&[u8]), quote!(#value))
        }
        Value::EnumNumber(number) => {
            let Kind::Enum(found) = field.kind() else { return None };
            let ty = builder.path(found.full_name(), &builder.modules_of(field.parent_message()));
            let name = builder.variant(&found, number)?;
            copied(ty.clone(), quote!(#ty::#name))
        }
        _ => return None,
    };
    Some(Accessor {
        ident: ident.clone(),
        docs: format!("The field `{}`, or `{}` where it is absent.", field.name(), given.escape_default()),
        deprecated: built.head.deprecated,
        ty,
        body,
    })
}

/// A number that may have no literal.
fn float(value: f64, ty: TokenStream, literal: impl Fn(f64) -> TokenStream) -> TokenStream {
    if value.is_nan() {
        quote!(#ty::NAN)
    } else if value.is_infinite() && value > 0.0 {
        quote!(#ty::INFINITY)
    } else if value.is_infinite() {
        quote!(#ty::NEG_INFINITY)
    } else {
        literal(value)
    }
}
