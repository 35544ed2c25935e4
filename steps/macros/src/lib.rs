//! The attributes `given`, `when` and `then` of step functions.
//!
//! Cucumber's own attributes turn the error of a step function into the text of a panic, which looks the same as a
//! panic of the harness. These register a function that passes the result on to `world::end_step`, which keeps its type.

use proc_macro::TokenStream;
use proc_macro2::Ident;
use quote::{ToTokens as _, format_ident, quote};
use syn::parse::{ParseStream, Parser as _};
use syn::{FnArg, ItemFn, LitStr, Pat, ReturnType, Token, Visibility, parse_quote};

/// Registers a step function for a `Given` sentence; the argument is that of `cucumber::given`.
#[proc_macro_attribute]
pub fn given(sentence: TokenStream, function: TokenStream) -> TokenStream {
    register("given", sentence, function)
}

/// Registers a step function for a `When` sentence; the argument is that of `cucumber::when`.
#[proc_macro_attribute]
pub fn when(sentence: TokenStream, function: TokenStream) -> TokenStream {
    register("when", sentence, function)
}

/// Registers a step function for a `Then` sentence; the argument is that of `cucumber::then`.
#[proc_macro_attribute]
pub fn then(sentence: TokenStream, function: TokenStream) -> TokenStream {
    register("then", sentence, function)
}

fn register(keyword: &str, sentence: TokenStream, function: TokenStream) -> TokenStream {
    let sentence = proc_macro2::TokenStream::from(sentence);
    match syn::parse(function) {
        Ok(function) => registered(&format_ident!("{keyword}"), &sentence, &function),
        Err(error) => error.into_compile_error(),
    }
    .into()
}

/// The unchanged function, a second one that cucumber calls, and how its sentences start.
fn registered(keyword: &Ident, sentence: &proc_macro2::TokenStream, function: &ItemFn) -> proc_macro2::TokenStream {
    let name = &function.sig.ident;
    let arguments: Vec<_> = function.sig.inputs.iter().map(argument_name).collect();
    let awaiting = function.sig.asyncness.map(|_| quote!(.await));
    let mut called = function.clone();
    called.vis = Visibility::Inherited;
    called.attrs = vec![parse_quote!(#[::cucumber::#keyword(#sentence)])];
    called.sig.ident = format_ident!("{keyword}_{name}");
    called.sig.output = ReturnType::Default;
    let world = arguments.first();
    let result = quote!(#name(#(#arguments),*)#awaiting);
    // What cannot fail has nothing to pass on.
    called.block = if matches!(function.sig.output, ReturnType::Default) {
        parse_quote!({ #world.begin_step(); #result; })
    } else {
        parse_quote!({ #world.begin_step(); crate::world::end_step(#result); })
    };
    let (start, is_whole) = start.parse2(sentence.clone()).unwrap_or_default();
    // Cucumber registers the step with the same place.
    let start = quote!(::cucumber::codegen::submit!({
        crate::world::SentenceStart {
            place: ::cucumber::step::Location {
                path: ::std::file!(),
                line: ::std::line!(),
                column: ::std::column!(),
            },
            text: #start,
            is_whole: #is_whole,
        }
    }););
    // A function may be registered for several sentences: each of these has a separate scope.
    quote!(#function const _: () = { #called #start };)
}

/// The text with which all sentences of a step start, and whether it is all that they say; empty if that is not known, or if
/// the attribute is malformed, which cucumber reports.
fn start(sentence: ParseStream<'_>) -> syn::Result<(String, bool)> {
    let kind: Option<Ident> = sentence.parse()?;
    if kind.is_some() {
        sentence.parse::<Token![=]>()?;
    }
    let text = sentence.parse::<LitStr>()?.value();
    Ok(match kind.map(|kind| kind.to_string()).as_deref() {
        None => (text, true),
        Some("expr") => (whole_words_of(&text).to_owned(), false),
        Some(_) => (String::new(), false),
    })
}

/// The words of an expression before its first parameter, optional text, alternative or escape. An alternative, as in `a/b`,
/// begins with a whole word.
fn whole_words_of(expression: &str) -> &str {
    let end = expression.find(['{', '(', '/', '\\']).unwrap_or(expression.len());
    expression[..end].rfind(' ').map_or("", |blank| &expression[..=blank])
}

fn argument_name(argument: &FnArg) -> proc_macro2::TokenStream {
    match argument {
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::Ident(name) => name.ident.to_token_stream(),
            other => other.to_token_stream(),
        },
        FnArg::Receiver(receiver) => receiver.to_token_stream(),
    }
}
