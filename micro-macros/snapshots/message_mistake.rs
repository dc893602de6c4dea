struct HelloRequest {
    name: &'static str,
}
impl ::micro::__private::std::fmt::Debug for HelloRequest {
    fn fmt(
        &self,
        _: &mut ::micro::__private::std::fmt::Formatter<'_>,
    ) -> ::micro::__private::std::fmt::Result {
        loop {}
    }
}
impl ::micro::__private::std::clone::Clone for HelloRequest {
    fn clone(&self) -> Self {
        loop {}
    }
}
impl ::micro::__private::std::default::Default for HelloRequest {
    fn default() -> Self {
        loop {}
    }
}
impl ::micro::__private::serde::Serialize for HelloRequest {
    fn serialize<S: ::micro::__private::serde::Serializer>(
        &self,
        _: S,
    ) -> ::micro::__private::std::result::Result<S::Ok, S::Error> {
        loop {}
    }
}
impl<'__de> ::micro::__private::serde::Deserialize<'__de> for HelloRequest {
    fn deserialize<D: ::micro::__private::serde::Deserializer<'__de>>(
        _: D,
    ) -> ::micro::__private::std::result::Result<Self, D::Error> {
        loop {}
    }
}
::core::compile_error! {
    "a message owns its data: use `String`, `Vec` or `Box` here"
}
