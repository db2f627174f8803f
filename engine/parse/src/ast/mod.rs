//! firn's own syntax tree: what a statement's text says, before any name or type is looked up.
//!
//! Names are folded as SQL folds them, string literals are unescaped, and every expression knows its
//! place in the statement's text. Nothing here depends on the library that reads the text.

mod alert;
mod attachment;
mod copy;
mod create;
mod create_routine;
mod create_stream;
mod dml;
mod dynamic_table;
mod expr;
mod external_table;
mod function;
mod name;
mod object;
mod option;
mod pipe;
mod policy_context;
mod query;
mod script;
mod show;
mod statement;
mod table;
mod task;
mod types;

pub use alert::{AlertChange, CreateAlert};
pub use attachment::{Attachment, AttachmentChange, ChangeAttachments, CreatePolicy};
pub use copy::{
    CopyFiles, CopyIntoLocation, CopyIntoTable, CopySource, FileTransfer, Get, Put, StageFiles,
    UnloadSource,
};
pub use create::{CloneOf, ColumnDefinition, ViewColumn};
pub use create::{
    Constraint, ConstraintKind, CreateMode, CreateObject, CreateTable, CreateView, Identity,
    TableLifetime, TableSource,
};
pub use create_routine::{CreateRoutine, FunctionBody, FunctionParameter, FunctionReturns};
pub use create_stream::{CreateStream, StreamSource};
pub use dml::{
    Assignment, Delete, Insert, InsertSource, InsertTarget, Merge, MergeAction, MergeClause,
    MultiInsert, Truncate, Update, WhenInsert,
};
pub use dynamic_table::CreateDynamicTable;
pub use expr::{
    BinaryOperator, Bind, CaseBranch, Expr, ExprKind, LambdaParameter, LikeKind, LikePattern,
    Literal, ObjectField, PathStep, Quantifier, TimestampKind, UnaryOperator,
};
pub use external_table::{CreateExternalTable, ExternalFilesChange};
pub use firn_types::ObjectKind;
pub use function::{
    Argument, ArgumentValue, Frame, FrameBound, FrameUnits, FunctionCall, NamedWindow,
    NullTreatment, Window, WindowSpec,
};
pub use name::{Name, StageKind, StageLocation};
pub use object::{
    AccessTokenAction, AccessTokenChange, AlterObject, AlterObjectAction, Comment, Drop, Grant,
    GrantSubject, GrantTarget, Privilege, Revoke, Undrop,
};
pub use option::{OptionValue, StatementOption};
pub use pipe::CreatePipe;
pub use policy_context::{ContextArgument, ContextValue, UsingPolicyContext};
pub use query::{
    AsofJoin, Changes, Cte, GroupBy, GroupItem, Hierarchy, Join, JoinConstraint, JoinKind, Limit,
    MatchPattern, MatchRecognize, MatchRows, MatchSkip, OrderBy, OrderItem, Pivot, PivotValue,
    PivotValues, Query, QueryBody, Sample, SampleSize, Select, SelectItem, SelectItemKind,
    SetOperation, SetOperator, Star, TableAlias, TableExpr, TableKind, TimePoint, TimeTravel,
    Unpivot, UnpivotColumn, Values, With,
};
pub use script::{
    Assigned, Block, Call, CursorSource, Declaration, DeclarationKind, ExecuteFile,
    ExecuteImmediate, Handler, Loop, NestedProcedure, Returned, ScriptFile, SqlText, Step,
    StepKind,
};
pub use show::{Describe, DescribeKind, Explain, ExplainFormat, Show, ShowKind, ShowScope};
pub use statement::{SetVariables, Statement, Use};
pub use table::{AlterColumn, AlterTable, AlterTableAction, ColumnChange};
pub use task::{CreateTask, ExecuteTask, TaskChange};
pub use types::{TypeArgument, TypeName};
