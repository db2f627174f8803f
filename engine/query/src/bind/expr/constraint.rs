//! PROJECTION_CONSTRAINT, AGGREGATION_CONSTRAINT and NO_AGGREGATION_CONSTRAINT: what bodies of policies give that say
//! what may be done with rows rather than what is seen of them. Their value is a BINARY, whose bytes say the function
//! and its arguments: `PROJECTION_CONSTRAINT,false,NULLIFY`.

use firn_account::catalog::ObjectKind;
use firn_expression::Expr;
use firn_parse::ast::{self, ArgumentValue, FunctionCall};
use firn_types::{Error, ErrorCode, Result, SqlType, Value};

use super::case::{boolean, coalesce};
use super::function::refuse_qualifiers;
use super::{ExprBinder, cast, text_literal};
use crate::bind::clause::Clause;

/// Such a function: its name, the kind of policy that calls it, and its parameters with their types.
type Form = (&'static str, ObjectKind, &'static [(&'static str, SqlType)]);

const PROJECTION: &str = "PROJECTION_CONSTRAINT";
const AGGREGATION: &str = "AGGREGATION_CONSTRAINT";
const NO_AGGREGATION: &str = "NO_AGGREGATION_CONSTRAINT";

const FORMS: [Form; 3] = [
    (
        PROJECTION,
        ObjectKind::ProjectionPolicy,
        &[("ALLOW", SqlType::Boolean), ("ENFORCEMENT", SqlType::TEXT)],
    ),
    (
        AGGREGATION,
        ObjectKind::AggregationPolicy,
        &[
            ("MIN_GROUP_SIZE", SqlType::INTEGER),
            ("MIN_ROW_COUNT", SqlType::INTEGER),
            ("MIN_ENTITY_COUNT", SqlType::INTEGER),
        ],
    ),
    (NO_AGGREGATION, ObjectKind::AggregationPolicy, &[]),
];

/// What a projection policy says of its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Projection {
    /// It may be put out.
    Allowed,
    /// A query that puts it out fails.
    Fails,
    /// NULL is put out in its place.
    Nulls,
}

/// What an aggregation policy asks of a group; nothing of all is no constraint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Groups {
    /// Whether rows must be aggregated.
    pub(crate) aggregated: bool,
    /// Least number of entities, or of rows where there are none.
    pub(crate) size: Option<u64>,
    /// Least number of rows.
    pub(crate) rows: Option<u64>,
    /// Least number of entities.
    pub(crate) entities: Option<u64>,
}

impl ExprBinder<'_> {
    /// A call of such a function; none of another one.
    pub(super) fn bind_constraint(
        &mut self,
        name: &str,
        call: &FunctionCall,
        whole: &ast::Expr,
    ) -> Result<Option<Expr>> {
        let Some((name, kind, parameters)) = FORMS.iter().find(|form| form.0 == name) else {
            return Ok(None);
        };
        if self.clause != Clause::Constraint(*kind) {
            let policies = kind.plural().to_lowercase();
            let text = format!("{name} may only stand in bodies of {policies}");
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(whole.span));
        }
        refuse_qualifiers(call, name)?;
        let given = self.constraint_arguments(name, parameters, call)?;
        check_given(name, parameters, &given)?;
        let mut parts = vec![text_literal((*name).into())];
        for argument in given {
            parts.push(text_literal(",".into()));
            let text = match argument {
                Some(argument) => self.call_scalar("TO_VARCHAR", vec![argument])?,
                None => Expr::null(SqlType::TEXT),
            };
            parts.push(coalesce("COALESCE", vec![text, text_literal("".into())])?);
        }
        let text = self.call_scalar("CONCAT", parts)?;
        self.call_scalar("TO_BINARY", vec![text, text_literal("UTF-8".into())]).map(Some)
    }

    /// The arguments in the order of the parameters, by name or by place.
    fn constraint_arguments(
        &mut self,
        function: &str,
        parameters: &[(&str, SqlType)],
        call: &FunctionCall,
    ) -> Result<Vec<Option<Expr>>> {
        let mut given: Vec<Option<Expr>> = parameters.iter().map(|_| None).collect();
        for (place, argument) in call.arguments.iter().enumerate() {
            let place = match &argument.name {
                Some(name) => parameters.iter().position(|(parameter, _)| *parameter == name.name),
                None => Some(place).filter(|place| *place < parameters.len()),
            };
            let ArgumentValue::Expr(expr) = &argument.value else {
                return Err(Error::not_supported(format!("this argument of {function}")));
            };
            match place {
                Some(place) if given[place].is_none() => {
                    let bound = self.bind_inner(expr)?;
                    given[place] = Some(match parameters[place].1 {
                        SqlType::Boolean => boolean(bound),
                        to => cast(bound, to),
                    });
                }
                _ => {
                    let text = format!("invalid argument of function {function}");
                    return Err(Error::new(ErrorCode::InvalidParameterType, text).at(expr.span));
                }
            }
        }
        Ok(given)
    }
}

fn check_given(name: &str, parameters: &[(&str, SqlType)], given: &[Option<Expr>]) -> Result<()> {
    let is_given: Vec<bool> = given.iter().map(Option::is_some).collect();
    let wanted = match (name, is_given.as_slice()) {
        (PROJECTION, [false, _]) => parameters[0].0,
        (AGGREGATION, [true, false, false] | [false, true, true]) => return Ok(()),
        (AGGREGATION, _) => "MIN_GROUP_SIZE, or MIN_ROW_COUNT and MIN_ENTITY_COUNT",
        _ => return Ok(()),
    };
    Err(Error::new(ErrorCode::NotEnoughArguments, format!("{name} needs {wanted}")))
}

/// What the body of a projection policy has given. NULL is no permission.
///
/// # Errors
/// For an enforcement that there is not.
pub(crate) fn projection(value: &Value) -> Result<Projection> {
    let parts = parts(value);
    match parts.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [PROJECTION, "true", _] => Ok(Projection::Allowed),
        [PROJECTION, _, "" | "FAIL"] | [] => Ok(Projection::Fails),
        [PROJECTION, _, "NULLIFY"] => Ok(Projection::Nulls),
        _ => {
            let text = format!("ENFORCEMENT of {PROJECTION} is 'FAIL' or 'NULLIFY'");
            Err(Error::new(ErrorCode::InvalidParameterValue, text))
        }
    }
}

/// What the body of an aggregation policy has given. NULL asks for more than any group has.
///
/// # Errors
/// For sizes that are no numbers from 0 on.
pub(crate) fn groups(value: &Value) -> Result<Groups> {
    let invalid = || {
        let text = format!("sizes of {AGGREGATION} are whole numbers that are not negative");
        Error::new(ErrorCode::InvalidParameterValue, text)
    };
    let number = |text: &String| match text.as_str() {
        "" => Ok(None),
        digits => digits.parse::<u64>().map(Some).map_err(|_| invalid()),
    };
    let parts = parts(value);
    match parts.as_slice() {
        [name] if name == NO_AGGREGATION => Ok(Groups::default()),
        [name, size, rows, entities] if name == AGGREGATION => {
            let (size, rows, entities) = (number(size)?, number(rows)?, number(entities)?);
            // An argument that was NULL.
            let size = size.or_else(|| (rows.is_none() || entities.is_none()).then_some(u64::MAX));
            Ok(Groups { aggregated: true, size, rows, entities })
        }
        [] => Ok(Groups { aggregated: true, size: Some(u64::MAX), rows: None, entities: None }),
        _ => Err(invalid()),
    }
}

fn parts(value: &Value) -> Vec<String> {
    match value {
        Value::Binary(bytes) => {
            String::from_utf8_lossy(bytes).split(',').map(str::to_string).collect()
        }
        _ => Vec::new(),
    }
}
