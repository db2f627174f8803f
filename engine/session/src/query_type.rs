//! What the history calls statements.

use firn_parse::ast::{Statement, TableSource};

/// The kind of a statement as QUERY_HISTORY names it.
pub(crate) fn query_type(statement: &Statement) -> &'static str {
    match statement {
        Statement::Query(_) | Statement::UsingPolicyContext(_) => "SELECT",
        Statement::Insert(_) => "INSERT",
        Statement::MultiInsert(_) => "MULTI_TABLE_INSERT",
        Statement::Update(_) => "UPDATE",
        Statement::Delete(_) => "DELETE",
        Statement::Merge(_) => "MERGE",
        Statement::Truncate(_) => "TRUNCATE_TABLE",
        Statement::CreateTable(ast) => match ast.source {
            TableSource::Query(..) => "CREATE_TABLE_AS_SELECT",
            _ => "CREATE_TABLE",
        },
        Statement::CreateView(_) => "CREATE_VIEW",
        Statement::Block(_) | Statement::ExecuteImmediate(_) | Statement::Pipe(_) => {
            "EXECUTE_IMMEDIATE"
        }
        Statement::Call(_) => "CALL",
        Statement::CreateProcedure(_) => "CREATE_PROCEDURE",
        Statement::CreateFunction(_) => "CREATE_FUNCTION",
        Statement::CreateDynamicTable(_) => "CREATE_DYNAMIC_TABLE",
        Statement::CreateExternalTable(_) => "CREATE_EXTERNAL_TABLE",
        Statement::CreateTask(_) => "CREATE_TASK",
        Statement::ExecuteTask(_) => "EXECUTE_TASK",
        Statement::CreateAlert(_) => "CREATE_ALERT",
        Statement::ExecuteAlert(_) => "EXECUTE_ALERT",
        Statement::CreatePipe(_) => "CREATE_PIPE",
        Statement::CreateStream(_) => "CREATE_STREAM",
        Statement::CreatePolicy(_) | Statement::CreateObject(_) => "CREATE",
        Statement::AlterTable(_) => "ALTER_TABLE",
        Statement::AlterObject(_) => "ALTER",
        Statement::AlterSessionSet(_) | Statement::AlterSessionUnset(_) => "ALTER_SESSION",
        Statement::Drop(_) => "DROP",
        Statement::Undrop(_) => "RESTORE",
        Statement::Comment(_) => "COMMENT",
        Statement::Grant(_) => "GRANT",
        Statement::Revoke(_) => "REVOKE",
        Statement::Use(_) => "USE",
        Statement::SetVariables(_) => "SET",
        Statement::UnsetVariables(_) => "UNSET",
        Statement::Begin(_) => "BEGIN_TRANSACTION",
        Statement::Commit => "COMMIT",
        Statement::Rollback => "ROLLBACK",
        Statement::Show(_) => "SHOW",
        Statement::Describe(_) => "DESCRIBE",
        Statement::Explain(_) => "EXPLAIN",
        Statement::CopyIntoTable(_) => "COPY",
        Statement::CopyIntoLocation(_) => "UNLOAD",
        Statement::Put(_) => "PUT_FILES",
        Statement::Get(_) => "GET_FILES",
        Statement::List(_) => "LIST_FILES",
        Statement::CopyFiles(_) => "COPY_FILES",
        Statement::Remove(_) => "REMOVE_FILES",
    }
}
