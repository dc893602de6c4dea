#[derive(
    ::micro::__private::std::fmt::Debug,
    ::micro::__private::std::clone::Clone,
    ::micro::__private::std::default::Default,
    ::micro::__private::serde::Serialize,
    ::micro::__private::serde::Deserialize
)]
/// Who is greeted.
#[derive(PartialEq)]
#[serde(crate = "::micro::__private::serde")]
#[serde(default)]
pub struct HelloRequest {
    /// The name.
    pub name: String,
    #[serde(deserialize_with = "::micro::__private::null_is_empty")]
    pub others: Vec<HelloRequest>,
}
#[allow(deprecated, unused_imports, clippy::all, clippy::pedantic, clippy::nursery)]
#[automatically_derived]
impl ::micro::schema::Schema for HelloRequest {
    const SHAPE: ::micro::schema::Shape = ::micro::schema::Shape::Type(
        &::micro::schema::Type::new::<Self>("HelloRequest", "Who is greeted.")
            .with_default(|| ::micro::schema::json_of(
                &<Self as ::micro::__private::std::default::Default>::default(),
            )),
    );
    const BODY: ::micro::schema::Body = {
        use ::micro::__private::NoShape as _;
        ::micro::schema::Body::Struct(
            &[
                ::micro::schema::Field::new(
                    "name",
                    "The name.",
                    ::micro::schema::Shape::or(
                        ::micro::__private::Probe::<String>::SHAPE,
                        ::micro::schema::Shape::Named("String"),
                    ),
                ),
                ::micro::schema::Field::new(
                    "others",
                    "",
                    ::micro::schema::Shape::or(
                        ::micro::__private::Probe::<Vec<HelloRequest>>::SHAPE,
                        ::micro::schema::Shape::List(
                            &::micro::schema::Shape::or(
                                ::micro::__private::Probe::<HelloRequest>::SHAPE,
                                ::micro::schema::Shape::Named("HelloRequest"),
                            ),
                        ),
                    ),
                ),
            ],
        )
    };
}
