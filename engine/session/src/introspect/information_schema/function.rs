//! FUNCTIONS and PROCEDURES.

use firn_account::catalog::{Database, Namespace, Object, Returns};
use firn_types::SqlType;

use super::super::listing::{Listing, number, optional, text, time, yes_no};
use super::super::{IntrospectionContext, routine};
use super::container::present;
use super::schemas;

pub(super) const FUNCTIONS: &str = "FUNCTION_CATALOG, FUNCTION_SCHEMA, FUNCTION_NAME, \
    FUNCTION_OWNER, ARGUMENT_SIGNATURE, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH:number, \
    CHARACTER_OCTET_LENGTH:number, NUMERIC_PRECISION:number, NUMERIC_PRECISION_RADIX:number, \
    NUMERIC_SCALE:number, FUNCTION_LANGUAGE, FUNCTION_DEFINITION, VOLATILITY, IS_NULL_CALL, \
    IS_SECURE, CREATED:time, LAST_ALTERED:time, LAST_DDL:time, LAST_DDL_BY, COMMENT, IS_EXTERNAL, \
    API_INTEGRATION, CONTEXT_HEADERS, MAX_BATCH_ROWS:number, COMPRESSION, PACKAGES, \
    RUNTIME_VERSION, IMPORTS, INSTALLED_PACKAGES, HANDLER, TARGET_PATH, \
    EXTERNAL_ACCESS_INTEGRATIONS, SECRETS, IS_AGGREGATE, IS_MEMOIZABLE";

pub(super) const PROCEDURES: &str = "PROCEDURE_CATALOG, PROCEDURE_SCHEMA, PROCEDURE_NAME, \
    PROCEDURE_OWNER, ARGUMENT_SIGNATURE, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH:number, \
    CHARACTER_OCTET_LENGTH:number, NUMERIC_PRECISION:number, NUMERIC_PRECISION_RADIX:number, \
    NUMERIC_SCALE:number, PROCEDURE_LANGUAGE, PROCEDURE_DEFINITION, CREATED:time, \
    LAST_ALTERED:time, COMMENT, EXTERNAL_ACCESS_INTEGRATIONS, SECRETS";

pub(super) fn functions(
    context: &IntrospectionContext,
    database: &Database,
    listing: &mut Listing,
) {
    for schema in schemas(context, database) {
        for object in context.catalog.children(Namespace::Function, schema.header.id) {
            let Object::Function(function) = object else { continue };
            let header = &function.header;
            let traits = &function.traits;
            let hidden = traits.secure && !context.catalog.owns(object);
            let (precision, scale, length) = match function.returns {
                Returns::Value(SqlType::Number { precision, scale }) => {
                    (Some(precision), Some(scale), None)
                }
                Returns::Value(SqlType::Varchar { length, .. }) => (None, None, Some(length)),
                _ => (None, None, None),
            };
            let maybe = |found: Option<u64>| found.map_or(firn_types::Value::Null, number);
            let volatility = if traits.volatile { "VOLATILE" } else { "IMMUTABLE" };
            let mut cells = vec![
                ("FUNCTION_CATALOG", text(database.header.name.as_str())),
                ("FUNCTION_SCHEMA", text(schema.header.name.as_str())),
                ("FUNCTION_NAME", text(function.called())),
                ("FUNCTION_OWNER", text(context.catalog.name_of(header.owner))),
                ("ARGUMENT_SIGNATURE", text(routine::argument_signature(&function.parameters))),
                ("DATA_TYPE", text(routine::returns(&function.returns))),
                ("CHARACTER_MAXIMUM_LENGTH", maybe(length.map(u64::from))),
                ("NUMERIC_PRECISION", maybe(precision.map(u64::from))),
                ("NUMERIC_PRECISION_RADIX", maybe(precision.map(|_| 10))),
                ("NUMERIC_SCALE", maybe(scale.map(u64::from))),
                ("FUNCTION_LANGUAGE", text(function.code.language.name())),
                ("FUNCTION_DEFINITION", optional((!hidden).then_some(function.code.body.as_str()))),
                ("VOLATILITY", text(volatility)),
                ("IS_NULL_CALL", yes_no(!traits.strict)),
                ("IS_SECURE", yes_no(traits.secure)),
                ("CREATED", time(header.created_nanos)),
                ("LAST_ALTERED", time(header.altered_nanos)),
                ("COMMENT", present(&header.comment)),
                ("IS_EXTERNAL", yes_no(false)),
                ("IS_AGGREGATE", yes_no(traits.aggregate)),
                ("IS_MEMOIZABLE", yes_no(traits.memoizable)),
            ];
            let handler = function.code.handler.as_deref().filter(|_| !hidden);
            cells.extend(handler.into_iter().flat_map(|handler| {
                [
                    ("PACKAGES", text(routine::packages(handler))),
                    ("RUNTIME_VERSION", text(handler.runtime_version.as_str())),
                    ("IMPORTS", text(routine::imports(handler))),
                    ("HANDLER", text(handler.name.as_str())),
                ]
            }));
            listing.add(&cells);
        }
    }
}

pub(super) fn procedures(
    context: &IntrospectionContext,
    database: &Database,
    listing: &mut Listing,
) {
    for schema in schemas(context, database) {
        for object in context.catalog.children(Namespace::Procedure, schema.header.id) {
            let Object::Procedure(procedure) = object else { continue };
            let header = &procedure.header;
            let hidden = procedure.traits.secure && !context.catalog.owns(object);
            let body = (!hidden).then_some(procedure.code.body.as_str());
            listing.add(&[
                ("PROCEDURE_CATALOG", text(database.header.name.as_str())),
                ("PROCEDURE_SCHEMA", text(schema.header.name.as_str())),
                ("PROCEDURE_NAME", text(procedure.called())),
                ("PROCEDURE_OWNER", text(context.catalog.name_of(header.owner))),
                ("ARGUMENT_SIGNATURE", text(routine::argument_signature(&procedure.parameters))),
                ("DATA_TYPE", text(routine::returns(&procedure.returns))),
                ("PROCEDURE_LANGUAGE", text(procedure.code.language.name())),
                ("PROCEDURE_DEFINITION", optional(body)),
                ("CREATED", time(header.created_nanos)),
                ("LAST_ALTERED", time(header.altered_nanos)),
                ("COMMENT", present(&header.comment)),
            ]);
        }
    }
}
