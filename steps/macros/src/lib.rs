//! The attributes `given`, `when` and `then` of step functions.
//!
//! Cucumber's own attributes turn the error of a step function into the text of a panic, which looks the same as a
//! panic of the harness. These register a function that passes the result on to `world::end_step`, which keeps its type.

use cucumber_expressions::Expression;
use proc_macro::TokenStream;
use proc_macro2::Ident;
use quote::{ToTokens as _, format_ident, quote};
use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};
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

/// The unchanged function, a second one that cucumber calls, and what is known of its sentences.
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
    let Form { start, is_whole, ascii } = form.parse2(sentence.clone()).unwrap_or_default();
    // Cucumber registers the step with the same place.
    let start = quote!(::cucumber::codegen::submit!({
        crate::world::SentenceForm {
            place: ::cucumber::step::Location {
                path: ::std::file!(),
                line: ::std::line!(),
                column: ::std::column!(),
            },
            text: #start,
            is_whole: #is_whole,
            ascii: #ascii,
        }
    }););
    // A function may be registered for several sentences: each of these has a separate scope.
    quote!(#function const _: () = { #called #start };)
}

/// What is known of the sentences of a step.
#[derive(Default)]
struct Form {
    /// The text with which all of them start.
    start: String,
    /// Whether it is all that they say.
    is_whole: bool,
    /// The regular expression that reads those in ASCII. The tables of Unicode make it several times as expensive to compile.
    ascii: String,
}

/// Without anything known if the attribute is malformed, which cucumber reports.
fn form(sentence: ParseStream<'_>) -> syn::Result<Form> {
    let kind: Option<Ident> = sentence.parse()?;
    if kind.is_some() {
        sentence.parse::<Token![=]>()?;
    }
    let text = sentence.parse::<LitStr>()?.value();
    let expression = match kind.map(|kind| kind.to_string()).as_deref() {
        None => return Ok(Form { start: text, is_whole: true, ascii: String::new() }),
        Some("expr") => Expression::regex(&text).ok().map(|expression| expression.as_str().to_owned()),
        Some(_) => Some(text),
    };
    let parsed = expression.and_then(|expression| regex_syntax::parse(&expression).ok());
    Ok(parsed.map_or_else(Form::default, |parsed| Form {
        start: start(&parsed),
        is_whole: false,
        ascii: in_ascii(parsed).to_string(),
    }))
}

/// The text at the beginning of everything that an anchored expression matches.
fn start(expression: &Hir) -> String {
    match expression.kind() {
        HirKind::Concat(parts) => match [parts[0].kind(), parts[1].kind()] {
            [HirKind::Look(Look::Start), HirKind::Literal(text)] => {
                String::from_utf8(text.0.to_vec()).unwrap_or_default()
            }
            _ => String::new(),
        },
        _ => String::new(),
    }
}

/// An expression that matches the same in a text of ASCII, and nothing else.
fn in_ascii(expression: Hir) -> Hir {
    let each = |parts: Vec<Hir>| parts.into_iter().map(in_ascii).collect();
    match expression.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(text) => Hir::literal(text.0),
        HirKind::Class(Class::Unicode(mut class)) => {
            class.intersect(&ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7f')]));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(part) => Hir::repetition(Repetition { sub: Box::new(in_ascii(*part.sub)), ..part }),
        HirKind::Capture(part) => Hir::capture(Capture { sub: Box::new(in_ascii(*part.sub)), ..part }),
        HirKind::Concat(parts) => Hir::concat(each(parts)),
        HirKind::Alternation(parts) => Hir::alternation(each(parts)),
    }
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
