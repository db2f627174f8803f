//! Unary minus.

use firn_column::kernels::arithmetic::negate;
use firn_types::Result;

use super::CATEGORY;
use crate::meaning::{ArithmeticOperator, Meaning};
use crate::{
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
)
.with_meaning(Meaning::Arithmetic(ArithmeticOperator::Negate))
.with_cost(1);

fn bind(arguments: &[Argument]) -> Result<ScalarBinding> {
    let sql_type = accept::number("-", arguments, 0)?;
    let kernel = Kernel::propagating(|_, columns| negate(&columns[0]));
    ScalarBinding::new(vec![sql_type], sql_type, kernel)
}
