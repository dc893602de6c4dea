//! One subscriber: the method, and what `#[subscriber(…)]` says of it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, Expr, FnArg, GenericParam, LitStr, Meta, Path, ReceiverKind, ReturnType, Safety, Signature, Type,
};

use super::client::described;
use super::expand::{layers_row, probes, wire};
use super::handler::{camel_case, is_name};
use super::model::{Owner, Service};
use super::signature::{by_value, context_of, is_shared_self};
use super::types::{arguments_of, error_span, is_stream, is_unit, is_unknown, last, lasting, spelled};
use crate::arguments::{SUBSCRIBER, Value};
use crate::errors::{Errors, text};
use crate::tokens;

/// A method that is a subscriber.
pub(super) struct Subscriber {
    pub(super) ident: Ident,
    pub(super) cfgs: Vec<Attribute>,
    pub(super) context: bool,
    pub(super) event: Type,
    /// Where the return type is.
    output: Span,
    topic: Topic,
    queue: Option<LitStr>,
    concurrency: Option<usize>,
    redelivery: bool,
    /// The outermost first.
    layers: Vec<Expr>,
}

/// What it follows.
enum Topic {
    Name(LitStr),
    Const(Path),
}

/// The subscriber that a method is, if it is marked as one and has no mistake. All mistakes are found at once.
pub(super) fn subscriber(attributes: &[Attribute], signature: &Signature, errors: &mut Errors) -> Option<Subscriber> {
    let is = |attribute: &&Attribute, name: &str| {
        attribute.path().segments.last().is_some_and(|segment| segment.ident == name)
    };
    let mut marks = attributes.iter().filter(|attribute| is(attribute, "subscriber"));
    let mark = marks.next()?;
    if let Some(second) = marks.next() {
        errors.push_at(second.path(), text::subscriber_twice());
        return None;
    }
    if attributes.iter().any(|attribute| is(&attribute, "handler")) {
        errors.push_at(mark.path(), text::subscriber_handler());
        return None;
    }
    let before = errors.count();
    let (context, event) = shape(signature, errors);
    let wishes = wishes(mark, errors);
    let (event, wishes) = (event.filter(|ty| !is_unknown(ty))?, wishes?);
    (errors.count() == before).then(|| Subscriber {
        ident: signature.ident.clone(),
        cfgs: attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect(),
        context,
        event,
        output: error_span(&signature.output),
        topic: wishes.topic,
        queue: wishes.queue,
        concurrency: wishes.concurrency,
        redelivery: wishes.redelivery,
        layers: wishes.layers,
    })
}

/// What `#[subscriber(…)]` says.
struct Wishes {
    topic: Topic,
    queue: Option<LitStr>,
    concurrency: Option<usize>,
    redelivery: bool,
    layers: Vec<Expr>,
}

fn wishes(mark: &Attribute, errors: &mut Errors) -> Option<Wishes> {
    let tokens = match &mark.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(pair) => {
            errors.push_at(&pair.path, text::argument_form("#[subscriber]", "#[subscriber(topic = PLACED)]"));
            return None;
        }
    };
    let before = errors.count();
    let (mut topic, mut queue, mut concurrency, mut redelivery) = (None, None, None, false);
    let mut layers = Vec::new();
    for argument in SUBSCRIBER.parse(tokens, errors) {
        match argument.name.to_string().as_str() {
            "topic" => match &argument.value {
                Value::Path(path) => topic = Some(Topic::Const(path.clone())),
                _ => {
                    topic =
                        named(SUBSCRIBER.text(&argument, errors), text::subscriber_topic_empty, errors).map(Topic::Name)
                }
            },
            "queue" => queue = named(SUBSCRIBER.text(&argument, errors), text::subscriber_queue_empty, errors),
            "concurrency" => {
                let Some(number) = SUBSCRIBER.number(&argument, errors) else { continue };
                match number.base10_parse::<usize>() {
                    Ok(events @ 1..=10_000) if number.suffix().is_empty() => concurrency = Some(events),
                    _ => errors.push(number.span(), text::subscriber_concurrency()),
                }
            }
            "layer" => layers = SUBSCRIBER.expressions(&argument, errors),
            "redelivery" => redelivery = SUBSCRIBER.flag(&argument, errors).unwrap_or_default(),
            // The block says it for all; here it is legal, as on every attribute of ours.
            _ => drop(SUBSCRIBER.path(&argument, errors)),
        }
    }
    if topic.is_none() && errors.count() == before {
        errors.push_at(mark.path(), text::subscriber_topic());
    }
    Some(Wishes { topic: topic?, queue, concurrency, redelivery, layers })
}

/// A name that is not empty, on one line.
fn named(literal: Option<LitStr>, empty: fn() -> String, errors: &mut Errors) -> Option<LitStr> {
    let literal = literal?;
    let name = literal.value();
    if name.is_empty() {
        errors.push(literal.span(), empty());
        return None;
    }
    if name.chars().any(char::is_control) {
        errors.push(literal.span(), text::subscriber_name());
        return None;
    }
    Some(literal)
}

/// Whether it takes the context, and its message.
fn shape(signature: &Signature, errors: &mut Errors) -> (bool, Option<Type>) {
    if !matches!(signature.safety, Safety::Default) {
        errors.push_at(&signature.safety, text::subscriber_unsafe());
    }
    if let Some(abi) = &signature.abi {
        errors.push_at(abi, text::subscriber_extern());
    }
    if signature.asyncness.is_none() {
        errors.push(signature.fn_token.span, text::subscriber_not_async());
    } else {
        output(signature, errors);
    }
    for parameter in &signature.generics.params {
        if !matches!(parameter, GenericParam::Lifetime(_)) {
            errors.push_at(parameter, text::subscriber_generic());
            break;
        }
    }
    if let Some(clause) = &signature.generics.where_clause {
        errors.push(clause.where_token.span, text::subscriber_where());
    }
    let mut inputs = signature.inputs.iter().peekable();
    match inputs.peek() {
        Some(FnArg::Receiver(receiver)) => {
            match &receiver.kind {
                ReceiverKind::Reference(_, _, None) => {}
                ReceiverKind::Reference(_, _, Some(_)) => errors.push_at(receiver, text::subscriber_mut_self()),
                ReceiverKind::Typed(_, ty) if is_shared_self(ty) => {}
                _ => errors.push_at(receiver, text::subscriber_self()),
            }
            inputs.next();
        }
        _ => errors.push(signature.ident.span(), text::subscriber_no_self()),
    }
    let mut context = false;
    let mut event: Option<Type> = None;
    for input in inputs {
        let FnArg::Typed(input) = input else { continue };
        let ty = &*input.ty;
        if is_unknown(ty) {
            event = Some(ty.clone());
        } else if let Some(wrong) = context_of(ty) {
            if wrong {
                errors.push_at(ty, text::subscriber_context_form());
            } else if context {
                errors.push_at(ty, text::subscriber_context_twice());
            } else if event.is_some() {
                errors.push_at(ty, text::subscriber_context_order());
            }
            context = true;
        } else if event.is_some() {
            errors.push_at(ty, text::subscriber_message_twice());
        } else {
            event = Some(message(ty, errors));
        }
    }
    if event.is_none() {
        errors.push(signature.ident.span(), text::subscriber_no_message());
    }
    (context, event)
}

/// The message that a type of an argument is; on a mistake, the one that was probably meant.
fn message(ty: &Type, errors: &mut Errors) -> Type {
    match ty {
        Type::Reference(reference) => {
            let form = by_value(&reference.elem);
            errors.push_at(ty, text::subscriber_message_reference(spelled(&form)));
            form
        }
        Type::Paren(paren) => message(&paren.elem, errors),
        _ if is_stream(ty) => {
            errors.push_at(ty, text::subscriber_stream());
            ty.clone()
        }
        Type::ImplTrait(_) => {
            errors.push_at(ty, text::subscriber_message_impl());
            ty.clone()
        }
        _ => {
            if let Some(span) = tokens::lifetime(ty.to_token_stream()) {
                errors.push(span, text::subscriber_message_borrows());
            }
            *lasting(ty)
        }
    }
}

/// `Result<()>`, with any error.
fn output(signature: &Signature, errors: &mut Errors) {
    let ReturnType::Type(_, ty) = &signature.output else {
        return errors.push(signature.ident.span(), text::subscriber_no_result());
    };
    if is_unknown(ty) {
        return;
    }
    let Some(segment) = last(ty).filter(|segment| segment.ident.to_string().ends_with("Result")) else {
        return errors.push_at(ty, text::subscriber_result());
    };
    match arguments_of(segment).first() {
        None => errors.push_at(ty, text::subscriber_result_alias()),
        Some(value) if !is_unit(value) => errors.push_at(value, text::subscriber_value()),
        Some(_) => {}
    }
}

/// The table of the subscribers; none where there are none.
pub(super) fn table(service: &Service, this: &TokenStream) -> Option<TokenStream> {
    if service.subscribers.is_empty() {
        return None;
    }
    let krate = &service.krate;
    let probes = probes(krate);
    let rows = service.subscribers.iter().map(|subscriber| row(service, subscriber, this));
    Some(quote! {
        const SUBSCRIBERS: &'static [#krate::server::Subscriber<#this>] = {
            #probes
            use #krate::__private::NotSharedEvents as _;
            &[#(#rows),*]
        };
    })
}

/// What it is called: `Mailer.OnPlaced`.
fn name(service: &Service, subscriber: &Subscriber) -> String {
    let ident = &subscriber.ident;
    let method = Some(camel_case(ident)).filter(|name| is_name(name)).unwrap_or_else(|| ident.unraw().to_string());
    format!("{}.{method}", service.name)
}

/// The rows of the table of layers.
pub(super) fn layers(service: &Service) -> impl Iterator<Item = TokenStream> {
    let own = service.subscribers.iter().filter(|subscriber| !subscriber.layers.is_empty());
    own.map(|subscriber| layers_row(service, &subscriber.cfgs, &name(service, subscriber), &subscriber.layers))
}

fn row(service: &Service, subscriber: &Subscriber, this: &TokenStream) -> TokenStream {
    let krate = &service.krate;
    let Subscriber { ident, cfgs, context, event, output, topic, queue, concurrency, redelivery, .. } = subscriber;
    let name = name(service, subscriber);
    let topic = match topic {
        Topic::Name(name) => name.to_token_stream(),
        Topic::Const(path) => {
            // A topic of another message is reported at the user's own path.
            let place = path.span();
            let of = tokens::respan(quote!(#krate::__private::topic), place);
            quote_spanned!(place=> #of::<#event>(#path))
        }
    };
    let queue = queue.as_ref().map(|queue| quote!(.queue(#queue)));
    let concurrency = concurrency.map(|events| quote!(.concurrency(#events)));
    let redelivery = redelivery.then(|| quote!(.redelivery()));
    let (described, wire) = (described(krate, event), wire(krate, event));
    let mixed = Span::mixed_site();
    let [me, about, message] = ["service", "context", "message"].map(|name| Ident::new(name, mixed));
    let mut arguments = vec![quote!(#me)];
    if *context {
        arguments.push(quote!(#about));
    }
    arguments.push(quote!(#message));
    // The call has the span of the method's name: a future that is not `Send` is reported there.
    let call = match &service.owner {
        Owner::Type { .. } => quote_spanned!(ident.span()=> #this::#ident(#(#arguments),*)),
        Owner::Trait { name, .. } => quote_spanned!(ident.span()=> <#this as #name>::#ident(#(#arguments),*)),
    };
    let error = quote_spanned!(*output=> _);
    let future = quote_spanned!(ident.span()=> _);
    let private = tokens::respan(quote!(#krate::__private::Events), *output);
    quote! {
        #(#cfgs)*
        #krate::server::Subscriber {
            name: #name,
            terms: || #krate::broker::Terms::new(#topic) #queue #concurrency #redelivery,
            message: #described,
            call: |#me, #about, #message| {
                #private::<#this>::event::<#event, #error, #future>(
                    #wire,
                    #me,
                    #about,
                    #message,
                    |#me, #about, #message| #call,
                )
            },
        }
    }
}
