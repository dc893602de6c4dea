#[derive(
    ::micro::__private::std::fmt::Debug,
    ::micro::__private::std::clone::Clone,
    ::micro::__private::serde::Serialize,
    ::micro::__private::serde::Deserialize
)]
#[serde(rename_all = "snake_case")]
#[serde(crate = "::micro::__private::serde")]
pub enum Mood<T> {
    VeryGood(T),
    Bad { why: Option<String> },
    Unknown,
}
#[automatically_derived]
impl<
    T: ::micro::__private::std::default::Default,
> ::micro::__private::std::default::Default for Mood<T> {
    fn default() -> Self {
        Self::VeryGood(<T as ::micro::__private::std::default::Default>::default())
    }
}
#[allow(deprecated, unused_imports, clippy::all, clippy::pedantic, clippy::nursery)]
#[automatically_derived]
impl<T: ::micro::schema::Schema> ::micro::schema::Schema for Mood<T> {
    const SHAPE: ::micro::schema::Shape = {
        use ::micro::__private::probes::*;
        ::micro::schema::Shape::Type(&::micro::schema::Type::new::<Self>("Mood", ""))
    };
    const BODY: ::micro::schema::Body = {
        use ::micro::__private::probes::*;
        ::micro::schema::Body::Enum(
            &[
                ::micro::schema::Variant::new(
                    "very_good",
                    "",
                    ::micro::schema::Content::Value(
                        ::micro::schema::Shape::or(
                            ::micro::__private::Probe::<T>::SHAPE,
                            ::micro::schema::Shape::Named("T"),
                        ),
                    ),
                ),
                ::micro::schema::Variant::new(
                    "bad",
                    "",
                    ::micro::schema::Content::Struct(
                        &[
                            ::micro::schema::Field::new(
                                    "why",
                                    "",
                                    ::micro::schema::Shape::or(
                                        ::micro::__private::Probe::<Option<String>>::SHAPE,
                                        ::micro::schema::Shape::Option(
                                            &::micro::schema::Shape::or(
                                                ::micro::__private::Probe::<String>::SHAPE,
                                                ::micro::schema::Shape::Named("String"),
                                            ),
                                        ),
                                    ),
                                )
                                .required(),
                        ],
                    ),
                ),
                ::micro::schema::Variant::new(
                    "unknown",
                    "",
                    ::micro::schema::Content::Unit,
                ),
            ],
            ::micro::schema::Tag::Outside,
        )
    };
}
