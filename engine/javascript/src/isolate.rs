//! One engine with its limits, in which the code of one function is compiled.

use std::fmt;

use firn_functions::ForeignFunction;
use firn_types::{Cancel, Error, Result, stack};
use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::{Context, Ctx, Function, Runtime};

use crate::failure::{Code, Thrown, is_of_null, out_of_memory};

/// Bytes that the values of one isolate may take.
const MEMORY_MAX: usize = 256 << 20;
/// Bytes of stack that calls within code may take.
const STACK_MAX: usize = 512 << 10;
/// Bytes of a statement for which [`stack::with_room`] has the stack of code, and of conversions of values that are
/// nested as deep as they may.
const STACK_TEXT_BYTES: usize = 256;

/// What code finds: JavaScript's library, without a finer clock than that of dates.
type Library = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
    intrinsic::WeakRef,
);

/// How the engine calls the code in the places that it tells.
pub(crate) const FILE: &str = "body";
/// The global variable that holds the function's compiled code.
const COMPILED: &str = "\0compiled";

/// An engine with one function in it.
pub(crate) struct Isolate {
    context: Context,
    cancel: Cancel,
    code: Code,
}

impl fmt::Debug for Isolate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Isolate({})", self.code.name)
    }
}

impl Isolate {
    /// An isolate with a function's body, as a function of its parameters.
    ///
    /// # Errors
    /// `JavaScriptCompilation`.
    pub(crate) fn of_function(function: &ForeignFunction, cancel: &Cancel) -> Result<Isolate> {
        let names: Vec<&str> = function.parameters.iter().map(|(name, _)| name.as_str()).collect();
        Isolate::of_body(&function.name, &function.code.body, &names, cancel)
    }

    /// An isolate with a body as a function of its parameters.
    ///
    /// # Errors
    /// `JavaScriptCompilation`.
    pub(crate) fn of_body(
        name: &str,
        body: &str,
        parameters: &[&str],
        cancel: &Cancel,
    ) -> Result<Isolate> {
        let before = format!("(function {}({}) {{", js_name(name), parameters.join(", "));
        Isolate::compiled(name, body, (&before, "})"), cancel)
    }

    /// An isolate with a body that is an object.
    ///
    /// # Errors
    /// `JavaScriptCompilation`.
    pub(crate) fn of_object(name: &str, body: &str, cancel: &Cancel) -> Result<Isolate> {
        Isolate::compiled(name, body, ("(", ")"), cancel)
    }

    /// An isolate with a text between others that make an expression of it.
    fn compiled(
        name: &str,
        body: &str,
        (before, after): (&str, &str),
        cancel: &Cancel,
    ) -> Result<Isolate> {
        let failed = |error: rquickjs::Error| Error::internal(format!("JavaScript: {error}"));
        let runtime = Runtime::new().map_err(failed)?;
        runtime.set_memory_limit(MEMORY_MAX);
        runtime.set_max_stack_size(STACK_MAX);
        let seen = cancel.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || seen.is_canceled())));
        let context = Context::custom::<Library>(&runtime).map_err(failed)?;
        let code = Code { name: name.to_string(), body: body.to_string() };
        let isolate = Isolate { context, cancel: cancel.clone(), code };
        let source = format!("{before}\n{body}\n{after}");
        isolate.with(|ctx| {
            let mut options = EvalOptions::default();
            options.strict = false;
            options.filename = Some(FILE.to_string());
            let compiled: rquickjs::Result<rquickjs::Value<'_>> =
                ctx.eval_with_options(source, options);
            let compiled = compiled.map_err(|error| match error {
                rquickjs::Error::Exception => Thrown::Uncompiled,
                other => Thrown::Code(other),
            })?;
            let globals = ctx.globals();
            globals.set(COMPILED, compiled)?;
            // Code makes no code of texts, as with Snowflake.
            let refused: Function<'_> =
                ctx.eval("(function() { throw new EvalError('eval() is not enabled'); })")?;
            globals.set("eval", refused)?;
            Ok(())
        })?;
        Ok(isolate)
    }

    /// What the code is, compiled.
    pub(crate) fn compiled_code<'js>(ctx: &Ctx<'js>) -> rquickjs::Result<rquickjs::Value<'js>> {
        ctx.globals().get(COMPILED)
    }

    /// Does something inside, with enough stack, and makes an error of what is thrown.
    ///
    /// # Errors
    /// That of `work`.
    pub(crate) fn with<T>(
        &self,
        work: impl for<'js> FnOnce(Ctx<'js>) -> Result<T, Thrown>,
    ) -> Result<T> {
        let done = stack::with_room(STACK_TEXT_BYTES, || {
            self.context.with(|ctx| {
                let done = work(ctx.clone());
                done.map_err(|thrown| thrown.into_error(&ctx, &self.code, &self.cancel))
            })
        });
        done.map_err(|error| match is_of_null(&error) && self.is_full() {
            true => out_of_memory(),
            false => error,
        })
    }

    /// Whether nothing more can be made: there is no room for an error that says so, and null is thrown.
    fn is_full(&self) -> bool {
        let used = self.context.runtime().memory_usage().malloc_size;
        usize::try_from(used).is_ok_and(|used| used > MEMORY_MAX / 2)
    }
}

/// A name in SQL where it is one in JavaScript too, and none otherwise; no word of the language is in capital letters.
fn js_name(name: &str) -> &str {
    let first = |c: char| c.is_ascii_uppercase() || c == '_' || c == '$';
    let is_name = name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit());
    if is_name { name } else { "" }
}
