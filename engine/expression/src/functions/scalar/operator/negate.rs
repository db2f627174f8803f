//! Unary minus.

use std::sync::Arc;

use firn_column::kernels::arithmetic::negate;
use firn_types::Result;

use super::CATEGORY;
use crate::functions::{
    Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction, accept,
};

/// -value; no function of this name is documented, but the operator needs one.
pub(crate) const NEGATE: ScalarFunction = ScalarFunction::new(
    "NEGATE",
    Arity::exactly(1),
    bind,
    Documentation::of(
        CATEGORY,
        "The number with the other sign.",
        &[Example::of("-(1.5)", "-1.5"), Example::of("-NULL", "NULL")],
    ),
);

fn bind(arguments: &[Argument]) -> Result<ScalarBinding> {
    let sql_type = accept::number("-", arguments, 0)?;
    let kernel: Kernel = Arc::new(|_, columns| negate(&columns[0]));
    ScalarBinding::new(vec![sql_type], sql_type, kernel)
}
