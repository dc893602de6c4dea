//! stub of helper A

use crate::codec::Wire;
use crate::endpoint::Definition;
use crate::{Context, Error, Message, Result};
use std::marker::PhantomData;
use std::sync::Arc;

/// stub
#[derive(Clone, Debug)]
pub struct Client;
/// stub
#[derive(Clone, Debug)]
pub struct Target(Arc<str>, Client);
impl Target {
    /// stub
    pub fn new(service: impl Into<Arc<str>>, client: impl Into<Client>) -> Self {
        Self(service.into(), client.into())
    }
    /// stub
    pub fn within(&self, _: &Context) -> Self {
        self.clone()
    }
    /// stub
    pub fn detached(&self) -> Self {
        self.clone()
    }
}
/// stub
pub trait Typed {
    /// stub
    fn connect(target: Target) -> Self;
}
/// stub
#[derive(Debug)]
pub struct Call<Req, Res>(&'static Definition, Req, PhantomData<fn() -> Res>);
impl<Req, Res> Call<Req, Res> {
    /// stub
    pub fn new(
        _: &Target,
        d: &'static Definition,
        _: Option<&'static Wire<Req>>,
        _: Option<&'static Wire<Res>>,
        req: Req,
    ) -> Self {
        Self(d, req, PhantomData)
    }
}
impl<Req: Message, Res: Message> IntoFuture for Call<Req, Res> {
    type Output = Result<Res>;
    type IntoFuture = futures_util::future::BoxFuture<'static, Result<Res>>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { Err(Error::internal("stub")) })
    }
}
