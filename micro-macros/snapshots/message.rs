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
    const SHAPE: ::micro::schema::Shape = {
        use ::micro::__private::probes::*;
        ::micro::schema::Shape::Type(
            &::micro::schema::Type::new::<Self>("HelloRequest", "Who is greeted.")
                .with_default(::micro::__private::Probe::<Self>::DEFAULT),
        )
    };
    const BODY: ::micro::schema::Body = {
        use ::micro::__private::probes::*;
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
#[allow(
    deprecated,
    non_camel_case_types,
    unreachable_code,
    unreachable_patterns,
    unused_imports,
    unused_variables,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
const _: () = {
    use ::micro::__private as __micro_private;
    use ::micro::__private::proto as __micro_proto;
    use __micro_private::probes::*;
    use __micro_private::std as __micro_std;
    type __MicroWay0 = __micro_proto::Is<
        { __micro_private::Probe::<(__micro_proto::kind::Auto, String)>::FORM },
    >;
    type __MicroWay1 = __micro_proto::Is<
        {
            __micro_private::Probe::<
                (__micro_proto::kind::Auto, Vec<HelloRequest>),
            >::FORM
        },
    >;
    pub struct __MicroMark(
        __micro_std::marker::PhantomData<
            <__MicroWay0 as __micro_proto::Way<__micro_proto::kind::Auto, String>>::Mark,
        >,
        __micro_std::marker::PhantomData<
            <__MicroWay1 as __micro_proto::Way<
                __micro_proto::kind::Auto,
                Vec<HelloRequest>,
            >>::Mark,
        >,
    );
    #[automatically_derived]
    impl __micro_proto::Own for HelloRequest {
        type As = __micro_proto::AsMessage;
        type Mark = __MicroMark;
    }
    #[automatically_derived]
    impl __micro_proto::Raw for HelloRequest {
        const FIELDS: () = {
            __micro_proto::speaks(
                __micro_private::Probe::<(__micro_proto::kind::Auto, String)>::DEEP,
            );
            __micro_proto::speaks(
                __micro_private::Probe::<
                    (__micro_proto::kind::Auto, Vec<HelloRequest>),
                >::DEEP,
            );
        };
        fn zero() -> Self {
            Self {
                name: <__MicroWay0 as __micro_proto::Way<
                    __micro_proto::kind::Auto,
                    String,
                >>::zero(),
                others: <__MicroWay1 as __micro_proto::Way<
                    __micro_proto::kind::Auto,
                    Vec<HelloRequest>,
                >>::zero(),
            }
        }
        fn encode_raw(&self, __buf: &mut impl __micro_proto::BufMut) {
            let Self { name, others } = self;
            <__MicroWay0 as __micro_proto::Way<
                __micro_proto::kind::Auto,
                String,
            >>::encode(name, 1u32, __buf);
            <__MicroWay1 as __micro_proto::Way<
                __micro_proto::kind::Auto,
                Vec<HelloRequest>,
            >>::encode(others, 2u32, __buf);
        }
        fn merge_field(
            &mut self,
            __tag: u32,
            __wire: __micro_proto::WireType,
            __buf: &mut impl __micro_proto::Buf,
            __ctx: __micro_proto::DecodeContext,
        ) -> __micro_std::result::Result<(), __micro_proto::DecodeError> {
            let Self { name, others } = self;
            match __tag {
                1u32 => {
                    <__MicroWay0 as __micro_proto::Way<
                        __micro_proto::kind::Auto,
                        String,
                    >>::merge(name, __wire, __buf, __ctx)
                        .map_err(|mut error| {
                            error.push("HelloRequest", "name");
                            error
                        })
                }
                2u32 => {
                    <__MicroWay1 as __micro_proto::Way<
                        __micro_proto::kind::Auto,
                        Vec<HelloRequest>,
                    >>::merge(others, __wire, __buf, __ctx)
                        .map_err(|mut error| {
                            error.push("HelloRequest", "others");
                            error
                        })
                }
                _ => __micro_proto::skip_field(__wire, __tag, __buf, __ctx),
            }
        }
        fn encoded_len(&self) -> usize {
            let Self { name, others } = self;
            0
                + <__MicroWay0 as __micro_proto::Way<
                    __micro_proto::kind::Auto,
                    String,
                >>::encoded_len(name, 1u32)
                + <__MicroWay1 as __micro_proto::Way<
                    __micro_proto::kind::Auto,
                    Vec<HelloRequest>,
                >>::encoded_len(others, 2u32)
        }
    }
    #[automatically_derived]
    impl __micro_proto::Message for HelloRequest
    where
        for<'__micro> __micro_proto::Sometimes<
            '__micro,
            __MicroMark,
        >: __micro_std::marker::Unpin,
    {
        fn encode_raw(&self, buf: &mut impl __micro_proto::BufMut) {
            __micro_proto::Raw::encode_raw(self, buf);
        }
        fn merge_field(
            &mut self,
            tag: u32,
            wire: __micro_proto::WireType,
            buf: &mut impl __micro_proto::Buf,
            ctx: __micro_proto::DecodeContext,
        ) -> __micro_std::result::Result<(), __micro_proto::DecodeError> {
            __micro_proto::Raw::merge_field(self, tag, wire, buf, ctx)
        }
        fn encoded_len(&self) -> usize {
            __micro_proto::Raw::encoded_len(self)
        }
        fn clear(&mut self) {
            *self = <Self as __micro_proto::Raw>::zero();
        }
        fn decode(
            buf: impl __micro_proto::Buf,
        ) -> __micro_std::result::Result<Self, __micro_proto::DecodeError> {
            __micro_proto::decode(buf)
        }
        fn decode_length_delimited(
            buf: impl __micro_proto::Buf,
        ) -> __micro_std::result::Result<Self, __micro_proto::DecodeError> {
            __micro_proto::decode_length_delimited(buf)
        }
    }
    #[automatically_derived]
    impl __micro_proto::Describe for HelloRequest {
        fn describe(
            __types: &mut __micro_proto::describe::Types,
        ) -> __micro_std::string::String {
            #[allow(unused_mut)]
            let mut __name = __micro_std::string::String::from("HelloRequest");
            let __path = __micro_std::any::type_name::<Self>();
            __types
                .message(
                    __path,
                    __name,
                    "Who is greeted.",
                    &[],
                    &[],
                    |__types, __message| {
                        __message
                            .field(
                                __types,
                                1u32,
                                "name",
                                "The name.",
                                false,
                                __micro_private::Probe::<
                                    (__micro_proto::kind::Auto, String),
                                >::TEXT,
                            );
                        __message
                            .field(
                                __types,
                                2u32,
                                "others",
                                "",
                                false,
                                __micro_private::Probe::<
                                    (__micro_proto::kind::Auto, Vec<HelloRequest>),
                                >::TEXT,
                            );
                    },
                )
        }
    }
};
