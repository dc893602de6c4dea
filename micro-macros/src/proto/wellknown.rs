//! The messages of `google.protobuf` that are types of Rust.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;

/// A type of Rust for one of these messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WellKnown {
    Any,
    Bool,
    Bytes,
    Double,
    Duration,
    Empty,
    FieldMask,
    Float,
    Int32,
    Int64,
    List,
    String,
    Struct,
    Timestamp,
    Uint32,
    Uint64,
    Value,
}

/// The type that a field of this message has.
pub(super) fn of_field(full: &str) -> Option<WellKnown> {
    Some(match full.strip_prefix("google.protobuf.")? {
        "Any" => WellKnown::Any,
        "BoolValue" => WellKnown::Bool,
        "BytesValue" => WellKnown::Bytes,
        "DoubleValue" => WellKnown::Double,
        "Duration" => WellKnown::Duration,
        "Empty" => WellKnown::Empty,
        "FieldMask" => WellKnown::FieldMask,
        "FloatValue" => WellKnown::Float,
        "Int32Value" => WellKnown::Int32,
        "Int64Value" => WellKnown::Int64,
        "ListValue" => WellKnown::List,
        "StringValue" => WellKnown::String,
        "Struct" => WellKnown::Struct,
        "Timestamp" => WellKnown::Timestamp,
        "UInt32Value" => WellKnown::Uint32,
        "UInt64Value" => WellKnown::Uint64,
        "Value" => WellKnown::Value,
        _ => return None,
    })
}

/// The type that a request or a reply has: only what is a whole message by itself.
pub(super) fn of_method(full: &str) -> Option<WellKnown> {
    of_field(full).filter(|known| matches!(known, WellKnown::Any | WellKnown::Empty | WellKnown::FieldMask))
}

impl WellKnown {
    /// The type; `bytes` are shared or owned as the field says.
    pub(super) fn ty(self, krate: &Path, bytes: &TokenStream) -> TokenStream {
        let std = quote!(#krate::__private::std);
        let json = quote!(#krate::__private::serde_json);
        match self {
            Self::Any => quote!(#krate::proto::Any),
            Self::Bool => quote!(bool),
            Self::Bytes => bytes.clone(),
            Self::Double => quote!(f64),
            Self::Duration => quote!(#std::time::Duration),
            Self::Empty => quote!(()),
            Self::FieldMask => quote!(#krate::proto::FieldMask),
            Self::Float => quote!(f32),
            Self::Int32 => quote!(i32),
            Self::Int64 => quote!(i64),
            Self::List => quote!(#std::vec::Vec<#json::Value>),
            Self::String => quote!(#std::string::String),
            Self::Struct => quote!(#json::Map<#std::string::String, #json::Value>),
            Self::Timestamp => quote!(#std::time::SystemTime),
            Self::Uint32 => quote!(u32),
            Self::Uint64 => quote!(u64),
            Self::Value => quote!(#json::Value),
        }
    }

    /// What `#[proto(…)]` says of it.
    pub(super) fn kind(self) -> Option<&'static str> {
        match self {
            Self::Any | Self::FieldMask | Self::Duration | Self::Timestamp => None,
            Self::List | Self::Struct | Self::Value => Some("well_known"),
            _ => Some("message"),
        }
    }
}
