//! External tables.

use firn_account::catalog::{Object, ObjectKind};
use firn_parse::ast::StatementOption;
use firn_types::Result;

use super::{KindHandler, another, changed, set_comment, unset_comment};
use crate::command::external_table::user_specified;
use crate::command::option_table::{
    COMMENT, CREATE, NEVER, OptionDefinition, SETTABLE, Takes, done, missing,
};
use crate::lifecycle::StatementContext;

const OPTIONS: &[OptionDefinition] = &[
    done("AUTO_REFRESH", Takes::Boolean, SETTABLE),
    missing("AWS_SNS_TOPIC", NEVER),
    COMMENT,
    done("FILE_FORMAT", Takes::Anything, CREATE),
    missing("INTEGRATION", NEVER),
    done("PARTITION_TYPE", Takes::Word(&["USER_SPECIFIED"]), CREATE),
    done("PATTERN", Takes::Text, CREATE),
    done("REFRESH_ON_CREATE", Takes::Boolean, CREATE),
    missing("TABLE_FORMAT", NEVER),
];

/// What is done with external tables; CREATE is in a file of its own.
pub(super) const HANDLER: KindHandler = KindHandler {
    kind: ObjectKind::ExternalTable,
    options: OPTIONS,
    create: None,
    set: Some(set),
    unset: Some(unset_comment),
};

fn set(_: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::ExternalTable(table) = object else { return Err(another()) };
    changed(table, |table| {
        set_comment(&mut table.header, options);
        let follows = options.iter().find(|option| option.name == "AUTO_REFRESH");
        match follows.and_then(|option| option.value.as_boolean()) {
            Some(true) if table.user_partitions => Err(user_specified(table, "AUTO_REFRESH")),
            Some(wanted) => {
                table.auto_refresh = wanted;
                Ok(())
            }
            None => Ok(()),
        }
    })
}
