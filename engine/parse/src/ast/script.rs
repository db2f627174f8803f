//! Snowflake Scripting: blocks and what stands in them, EXECUTE IMMEDIATE, CALL.
//!
//! A SQL statement within a block is kept as its place in the text: it is read when it runs, with the values
//! of the block's variables.

use firn_types::{Identifier, Span};

use super::{
    Argument, CreateRoutine, Expr, FunctionParameter, FunctionReturns, Name, StageLocation,
};

/// `[DECLARE ..] BEGIN .. [EXCEPTION ..] END`.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// DECLARE.
    pub declarations: Vec<Declaration>,
    /// What it does.
    pub steps: Vec<Step>,
    /// EXCEPTION.
    pub handlers: Vec<Handler>,
}

/// Something that is declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// Its name.
    pub name: Identifier,
    /// What it is.
    pub kind: DeclarationKind,
}

/// What is declared.
#[derive(Clone, Debug, PartialEq)]
pub enum DeclarationKind {
    /// A variable, with a type or with a value whose type it has.
    Variable(Option<super::TypeName>, Option<Expr>),
    /// A cursor.
    Cursor(CursorSource),
    /// A RESULTSET, perhaps with the statement that fills it.
    ResultSet(Option<SqlText>),
    /// A variable with the value that a procedure gives: `LET x := CALL p()`.
    Called(Option<super::TypeName>, SqlText),
    /// An exception with its number and message.
    Exception(Option<i32>, Option<String>),
    /// A procedure that only its block can call.
    Procedure(Box<NestedProcedure>),
}

/// `name PROCEDURE (..) RETURNS .. AS block`.
#[derive(Clone, Debug, PartialEq)]
pub struct NestedProcedure {
    /// What it takes.
    pub parameters: Vec<FunctionParameter>,
    /// What it gives.
    pub returns: FunctionReturns,
    /// What it does.
    pub block: Block,
}

/// What a cursor goes through.
#[derive(Clone, Debug, PartialEq)]
pub enum CursorSource {
    /// A query; its `?` come with OPEN .. USING.
    Query(SqlText),
    /// A RESULTSET.
    ResultSet(Identifier),
}

/// A SQL statement in a block: its place, and where its INTO clause stands, which is none of SQL's.
#[derive(Clone, Debug, PartialEq)]
pub struct SqlText {
    /// The statement.
    pub span: Span,
    /// The INTO clause within it.
    pub into_span: Option<Span>,
    /// The variables that its only row goes into.
    pub into: Vec<Identifier>,
    /// ASYNC before it.
    pub asynchronous: bool,
}

/// One step of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What is done.
    pub kind: StepKind,
    /// Where it was written.
    pub span: Span,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// LET.
    Let(Declaration),
    /// `name := value`.
    Assign(Identifier, Assigned),
    /// IF: conditions with their steps, and ELSE.
    If(Vec<(Expr, Vec<Step>)>, Vec<Step>),
    /// CASE, of a value or of conditions.
    Case(Option<Expr>, Vec<(Expr, Vec<Step>)>, Vec<Step>),
    /// FOR over whole numbers.
    Count {
        /// The loop's own variable.
        variable: Identifier,
        /// From the last to the first.
        reverse: bool,
        /// The first.
        from: Expr,
        /// The last.
        to: Expr,
        /// What is repeated.
        body: Loop,
    },
    /// FOR over the rows of a cursor, a RESULTSET or a query.
    Rows {
        /// The loop's own variable, a row.
        variable: Identifier,
        /// Which rows.
        source: CursorSource,
        /// What is repeated.
        body: Loop,
    },
    /// WHILE.
    While(Expr, Loop),
    /// REPEAT .. UNTIL.
    Repeat(Loop, Expr),
    /// LOOP.
    Loop(Loop),
    /// BREAK, EXIT.
    Break(Option<Identifier>),
    /// CONTINUE, ITERATE.
    Continue(Option<Identifier>),
    /// RETURN.
    Return(Option<Returned>),
    /// OPEN with the values of its `?`.
    Open(Identifier, Vec<Expr>),
    /// FETCH .. INTO.
    Fetch(Identifier, Vec<Identifier>),
    /// CLOSE.
    Close(Identifier),
    /// RAISE; without a name, in a handler, what it handles.
    Raise(Option<Identifier>),
    /// A statement that runs beside the steps behind it.
    Async(SqlText),
    /// AWAIT a RESULTSET or, without a name, everything.
    Await(Option<Identifier>),
    /// CANCEL the statement that fills a RESULTSET.
    Cancel(Identifier),
    /// NULL.
    Nothing,
    /// A block.
    Block(Block),
    /// A SQL statement.
    Sql(SqlText),
}

/// What is repeated, under a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// The label behind its end.
    pub label: Option<Identifier>,
    /// The steps.
    pub steps: Vec<Step>,
}

/// What a variable gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Assigned {
    /// A value; none of what can only be a statement.
    pub value: Option<Expr>,
    /// A statement in parentheses, for a RESULTSET; CALL for a variable, too.
    pub statement: Option<SqlText>,
}

/// What RETURN gives back.
#[derive(Clone, Debug, PartialEq)]
pub enum Returned {
    /// A value.
    Value(Expr),
    /// TABLE(name): the rows of a RESULTSET or cursor.
    Table(Identifier),
    /// TABLE(statement).
    Statement(SqlText),
}

/// `WHEN name [OR name] [EXIT | CONTINUE] THEN ..`.
#[derive(Clone, Debug, PartialEq)]
pub struct Handler {
    /// The exceptions; OTHER among them is any.
    pub names: Vec<Identifier>,
    /// CONTINUE: the step behind the one that failed is next.
    pub resumes: bool,
    /// What is done.
    pub steps: Vec<Step>,
}

/// EXECUTE IMMEDIATE.
#[derive(Clone, Debug, PartialEq)]
pub enum ExecuteImmediate {
    /// The text of a statement or block, and USING: the values of its `?`.
    Text(Expr, Vec<Expr>),
    /// FROM: the statements of a staged file.
    File(ExecuteFile),
}

/// `FROM file [USING (key => value, ..)] [DRY_RUN = TRUE]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ExecuteFile {
    /// The file.
    pub file: ScriptFile,
    /// The variables of the template that the file is; their case is as written.
    pub variables: Vec<(String, Expr)>,
    /// The file's text is shown, and nothing runs.
    pub dry_run: bool,
}

/// A staged file as a statement names it.
#[derive(Clone, Debug, PartialEq)]
pub enum ScriptFile {
    /// By its stage.
    Staged(StageLocation),
    /// In a staged file: by a path from that one, and where the path was written.
    Beside(String, Span),
}

/// CALL.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The procedure that WITH makes for this call alone.
    pub procedure: Option<Box<CreateRoutine>>,
    /// The procedure.
    pub name: Name,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// Where it was written.
    pub span: Span,
}
