//! Statements.

use firn_types::{Identifier, Span};

use super::{
    AlterObject, AlterTable, Block, Call, Comment, CopyFiles, CopyIntoLocation, CopyIntoTable,
    CreateAlert, CreateDynamicTable, CreateExternalTable, CreateObject, CreatePipe, CreatePolicy,
    CreateRoutine, CreateStream, CreateTable, CreateTask, CreateView, Delete, Describe, Drop,
    ExecuteImmediate, ExecuteTask, Explain, Expr, Get, Grant, Insert, Merge, MultiInsert, Name,
    Put, Query, Revoke, Show, StageFiles, StatementOption, Truncate, Undrop, Update,
    UsingPolicyContext,
};

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// SELECT, WITH, VALUES.
    Query(Box<Query>),
    /// INSERT INTO.
    Insert(Box<Insert>),
    /// INSERT ALL, INSERT FIRST.
    MultiInsert(Box<MultiInsert>),
    /// UPDATE.
    Update(Box<Update>),
    /// DELETE.
    Delete(Box<Delete>),
    /// MERGE.
    Merge(Box<Merge>),
    /// TRUNCATE.
    Truncate(Truncate),
    /// CREATE TABLE.
    CreateTable(Box<CreateTable>),
    /// CREATE [MATERIALIZED] VIEW.
    CreateView(Box<CreateView>),
    /// `statement ->> statement ->> ..`: where they stand.
    Pipe(Vec<Span>),
    /// A block.
    Block(Box<Block>),
    /// EXECUTE IMMEDIATE.
    ExecuteImmediate(Box<ExecuteImmediate>),
    /// EXECUTE USING POLICY_CONTEXT.
    UsingPolicyContext(UsingPolicyContext),
    /// CALL.
    Call(Box<Call>),
    /// CREATE PROCEDURE.
    CreateProcedure(Box<CreateRoutine>),
    /// CREATE FUNCTION.
    CreateFunction(Box<CreateRoutine>),
    /// CREATE of a policy with a body.
    CreatePolicy(Box<CreatePolicy>),
    /// CREATE of anything else.
    CreateObject(Box<CreateObject>),
    /// CREATE DYNAMIC TABLE.
    CreateDynamicTable(Box<CreateDynamicTable>),
    /// CREATE EXTERNAL TABLE.
    CreateExternalTable(Box<CreateExternalTable>),
    /// CREATE TASK.
    CreateTask(Box<CreateTask>),
    /// EXECUTE TASK.
    ExecuteTask(ExecuteTask),
    /// CREATE ALERT.
    CreateAlert(Box<CreateAlert>),
    /// EXECUTE ALERT.
    ExecuteAlert(Name),
    /// CREATE PIPE.
    CreatePipe(Box<CreatePipe>),
    /// CREATE STREAM.
    CreateStream(Box<CreateStream>),
    /// ALTER TABLE.
    AlterTable(Box<AlterTable>),
    /// ALTER of anything else.
    AlterObject(Box<AlterObject>),
    /// ALTER SESSION SET.
    AlterSessionSet(Vec<StatementOption>),
    /// ALTER SESSION UNSET.
    AlterSessionUnset(Vec<Identifier>),
    /// DROP.
    Drop(Drop),
    /// UNDROP.
    Undrop(Undrop),
    /// COMMENT ON.
    Comment(Comment),
    /// GRANT.
    Grant(Box<Grant>),
    /// REVOKE.
    Revoke(Box<Revoke>),
    /// USE.
    Use(Use),
    /// SET.
    SetVariables(SetVariables),
    /// UNSET.
    UnsetVariables(Vec<Identifier>),
    /// BEGIN, START TRANSACTION; with its name.
    Begin(Option<Identifier>),
    /// COMMIT.
    Commit,
    /// ROLLBACK.
    Rollback,
    /// SHOW.
    Show(Box<Show>),
    /// DESCRIBE.
    Describe(Box<Describe>),
    /// EXPLAIN.
    Explain(Explain),
    /// COPY INTO a table.
    CopyIntoTable(Box<CopyIntoTable>),
    /// COPY INTO a stage or URL.
    CopyIntoLocation(Box<CopyIntoLocation>),
    /// PUT.
    Put(Box<Put>),
    /// GET.
    Get(Box<Get>),
    /// LIST.
    List(StageFiles),
    /// REMOVE.
    Remove(StageFiles),
    /// COPY FILES INTO.
    CopyFiles(Box<CopyFiles>),
}

/// USE.
#[derive(Clone, Debug, PartialEq)]
pub enum Use {
    /// USE DATABASE.
    Database(Name),
    /// USE SCHEMA.
    Schema(Name),
    /// USE name: a database, or with a dot a schema.
    Name(Name),
    /// USE WAREHOUSE.
    Warehouse(Name),
    /// USE ROLE.
    Role(Name),
    /// USE SECONDARY ROLES ALL is true, NONE is false.
    SecondaryRoles(bool),
}

/// `SET v = expr` and `SET (a, b) = (x, y)`.
#[derive(Clone, Debug, PartialEq)]
pub struct SetVariables {
    /// The variables.
    pub names: Vec<Identifier>,
    /// Their values, as many, except that one query may give several.
    pub values: Vec<Expr>,
    /// Where it was written.
    pub span: Span,
}
