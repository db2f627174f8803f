//! Every error code of firn: Snowflake's number, its SQLSTATE, and the phase it belongs to.

use std::fmt;

use crate::error::Phase;

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])* $name:ident = $number:expr, $state:literal, $phase:ident;)*) => {
        /// Which error it is; the number and the SQLSTATE are Snowflake's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[doc = $doc])* $name,)* }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name,)*];

            /// What it is for, in a few words.
            pub fn summary(self) -> &'static str {
                match self { $(ErrorCode::$name => concat!($($doc,)*).trim(),)* }
            }

            /// Snowflake's number.
            pub fn number(self) -> i32 {
                match self { $(ErrorCode::$name => $number,)* }
            }

            /// The five characters of SQLSTATE.
            pub fn sqlstate(self) -> &'static str {
                match self { $(ErrorCode::$name => $state,)* }
            }

            /// The phase of a statement's life that the error belongs to.
            pub fn phase(self) -> Phase {
                match self { $(ErrorCode::$name => Phase::$phase,)* }
            }
        }
    };
}

impl ErrorCode {
    /// Whether the error is about values of rows, which its text may show.
    pub fn is_about_data(self) -> bool {
        (100_000..200_000).contains(&self.number())
    }

    /// Whether the message of a compilation error says its line and position, as Snowflake's does for these
    /// errors alone; the place itself is known for all of them.
    pub fn tells_place(self) -> bool {
        matches!(
            self,
            ErrorCode::InvalidIdentifier
                | ErrorCode::NotEnoughArguments
                | ErrorCode::TooManyArguments
                | ErrorCode::InvalidArgumentTypes
                | ErrorCode::InvalidTryCast
                | ErrorCode::NotGrouped
                | ErrorCode::ListTooLong
                | ErrorCode::UnknownVariable
        )
    }
}

error_codes! {
    /// A place for a value that did not come with the statement.
    BindNotSet = 2049, "42601", Compilation;
    /// A feature that firn does not have.
    UnsupportedFeature = 2, "0A000", Compilation;
    /// A request of several statements that does not have as many as it says.
    StatementCount = 8, "0A000", Execution;
    /// A broken promise inside firn.
    Internal = 300002, "XX000", Execution;
    /// The statement was canceled.
    Canceled = 604, "57014", Execution;
    /// The warehouse's memory is used up and the operator cannot spill.
    OutOfMemory = 300005, "53200", Execution;
    /// A statement in a transaction that another statement's error has ended.
    TransactionAborted = 300006, "25P02", Execution;
    /// A transaction that a procedure did not begin, or did not end.
    TransactionScope = 90232, "25000", Execution;
    /// A template that cannot be rendered.
    Template = 5, "XX000", Execution;
    /// A value that no variable of a template can have.
    TemplateVariable = 1510, "42601", Execution;
    /// What a template renders is too long.
    TemplateSize = 1518, "42601", Execution;
    /// A staged file whose statements were to be run, and which does not exist.
    ScriptFileNotFound = 1501, "02000", Execution;
    /// A path that is relative to the staged file that names it, outside of such files.
    RelativeFile = 1503, "42601", Execution;
    /// A statement that the procedure around it may not run.
    ProcedureStatement = 90236, "42601", Execution;
    /// No warehouse in use.
    NoWarehouse = 606, "57P03", Execution;
    /// Another transaction changed the same rows or the same object.
    LockTimeout = 625, "57014", Execution;
    /// A statement's time limit.
    StatementTimeout = 630, "57014", Execution;
    /// No data at that time.
    TimeTravelUnavailable = 707, "02000", Execution;
    /// An unknown or expired statement id.
    StatementNotFound = 709, "02000", Execution;
    /// No such column.
    InvalidIdentifier = 904, "42000", Compilation;
    /// Too few arguments.
    NotEnoughArguments = 938, "22023", Compilation;
    /// Too many arguments.
    TooManyArguments = 939, "22023", Compilation;
    /// An expression that GROUP BY does not cover.
    InvalidGroupBy = 979, "42601", Compilation;
    /// The text is not SQL.
    Syntax = 1003, "42000", Syntax;
    /// A value that an option or function does not take.
    InvalidParameterType = 1007, "22023", Compilation;
    /// A value that a parameter does not take.
    InvalidParameterValue = 1008, "22023", Compilation;
    /// A URL that no stage can have.
    InvalidUrl = 1011, "42601", Compilation;
    /// An argument that must be constant.
    ConstantArgument = 1015, "22023", Compilation;
    /// Argument types that no form of the function takes.
    InvalidArgumentTypes = 1044, "42P13", Compilation;
    /// An argument that must be a string.
    StringArgument = 1045, "22023", Compilation;
    /// TRY_CAST of something that is not a string.
    InvalidTryCast = 1065, "22023", Compilation;
    /// A select list without columns.
    NoColumns = 1080, "42601", Compilation;
    /// UNION without ALL in a recursive CTE.
    RecursiveUnion = 1102, "42601", Compilation;
    /// A column that is neither aggregated nor grouped.
    NotGrouped = 1104, "42601", Compilation;
    /// Set operands of different width.
    SetOperationWidth = 1789, "42601", Compilation;
    /// Set operands of types that do not unify.
    SetOperationTypes = 1790, "42601", Compilation;
    /// A list that is too long.
    ListTooLong = 1795, "42601", Compilation;
    /// The object exists.
    AlreadyExists = 2002, "42710", Compilation;
    /// No such table or view.
    ObjectNotFound = 2003, "42S02", Compilation;
    /// No such database, schema, stage, or other object.
    NotFound = 2003, "02000", Compilation;
    /// An expression that VALUES does not take.
    InvalidValuesExpression = 2014, "22000", Compilation;
    /// A file format that gives one VARIANT column.
    SingleVariantColumn = 2019, "0A000", Compilation;
    /// INSERT with another number of values than columns.
    InsertWidth = 2020, "21S01", Compilation;
    /// A type that does not fit the column.
    ColumnTypeMismatch = 2023, "22000", Compilation;
    /// A column name given twice.
    DuplicateColumn = 2025, "42S21", Compilation;
    /// A name that several columns carry.
    AmbiguousColumn = 2028, "42601", Compilation;
    /// A subquery of a form that cannot be evaluated.
    UnsupportedSubquery = 2031, "42601", Compilation;
    /// An aggregate where none may be.
    InvalidAggregate = 2035, "42601", Compilation;
    /// A view whose text no longer compiles.
    ViewExpansion = 2037, "42601", Compilation;
    /// An unknown type.
    UnsupportedDataType = 2040, "42601", Compilation;
    /// USE of something absent.
    CannotUse = 2043, "02000", Compilation;
    /// A view's declared columns do not fit its query.
    ViewColumns = 2057, "42601", Compilation;
    /// ALTER COLUMN to a type that it cannot take.
    CannotChangeType = 2108, "22000", Compilation;
    /// No such function.
    UnknownFunction = 2140, "42601", Compilation;
    /// No such user-defined function.
    UnknownUserFunction = 2141, "42601", Compilation;
    /// A session variable that is not set.
    UnknownVariable = 2211, "02000", Compilation;
    /// Texts of different collations together.
    IncompatibleCollations = 2322, "42846", Compilation;
    /// A specification of a collation that says nothing, or contradicts itself.
    InvalidCollation = 1008, "22023", Execution;
    /// NOT NULL without a default on a table with rows.
    NotNullColumnOnRows = 2264, "22000", Compilation;
    /// A statement that is wrong in a way that has no code of its own.
    InvalidStatement = 1000, "42601", Compilation;
    /// The role may not do it.
    InsufficientPrivileges = 3001, "42501", Access;
    /// USE ROLE of a role that the user does not have.
    RoleNotAssigned = 3013, "42501", Access;
    /// ALTER COLUMN to another scale.
    CannotChangeScale = 40052, "22000", Compilation;
    /// A field that a structured object does not have.
    StructuredField = 93201, "23001", Compilation;
    /// A field that a structured object has already.
    StructuredFieldTwice = 93202, "23001", Compilation;
    /// The warehouse already runs.
    WarehouseRunning = 90063, "22000", Execution;
    /// The warehouse is already suspended.
    WarehouseSuspended = 90064, "22000", Execution;
    /// No database in use.
    NoDatabase = 90105, "22000", Execution;
    /// No schema in use.
    NoSchema = 90106, "22000", Execution;
    /// More rows than SHOW gives.
    ShowTooLarge = 90153, "22000", Execution;
    /// A body that gives another type than its function declares.
    ReturnType = 90207, "42601", Compilation;
    /// A scalar subquery with several rows.
    SubqueryManyRows = 90150, "22000", Execution;
    /// An exception that a block has declared and raised, and nothing has handled.
    RaisedException = -20000, "P0001", Execution;
    /// A variable of a block whose value does not say its type.
    TypeNotInferred = 92228, "P0000", Compilation;
    /// A stage that cannot be reached or used so.
    StageFailure = 91003, "22000", Execution;
    /// A CSV record with too many fields.
    TooManyFields = 100016, "22000", Execution;
    /// A text that is no timestamp.
    InvalidTimestamp = 100035, "22007", Execution;
    /// A text that is no boolean.
    InvalidBoolean = 100037, "22018", Execution;
    /// A text that is no number.
    InvalidNumber = 100038, "22018", Execution;
    /// A number that its type cannot hold.
    NumberOutOfRange = 100039, "22003", Execution;
    /// A text that is no date.
    InvalidDate = 100040, "22007", Execution;
    /// A result that no number can hold.
    NumberOverflow = 100046, "22003", Execution;
    /// A floating-point operation without a result.
    InvalidFloatOperation = 100047, "22003", Execution;
    /// A regular expression that does not compile.
    InvalidRegex = 100048, "2201B", Execution;
    /// Division by zero.
    DivisionByZero = 100051, "22012", Execution;
    /// A code that is no character.
    InvalidCharacterCode = 100062, "22021", Execution;
    /// A CSV record with too few fields.
    TooFewFields = 100068, "22000", Execution;
    /// A text that is no JSON.
    InvalidJson = 100069, "22P02", Execution;
    /// A text that is no XML.
    InvalidXml = 100100, "22P02", Execution;
    /// A variant that cannot become the wanted type.
    VariantCast = 100071, "22000", Execution;
    /// NULL where none may be.
    NullNotAllowed = 100072, "22000", Execution;
    /// A text longer than its type.
    StringTooLong = 100078, "22000", Execution;
    /// A file of another width than the table.
    ColumnCountMismatch = 100080, "22000", Execution;
    /// A value above the largest size.
    ValueTooLarge = 100082, "22000", Execution;
    /// One unloaded file larger than files may be.
    SingleFileTooLarge = 100083, "22000", Execution;
    /// An empty field where none may be.
    EmptyFieldNotAllowed = 100088, "22000", Execution;
    /// Files that an unload would replace.
    FilesInTheWay = 1030, "22000", Execution;
    /// JavaScript that does not compile.
    JavaScriptCompilation = 100131, "P0000", Execution;
    /// What JavaScript throws.
    JavaScriptExecution = 100132, "P0000", Execution;
    /// What Python throws, and an interpreter that does not run.
    PythonExecution = 100357, "P0000", Execution;
    /// A statement of a procedure that has failed.
    ProcedureExecution = 100183, "P0000", Execution;
    /// Bytes that are no UTF-8.
    InvalidUtf8 = 100144, "22000", Execution;
    /// Several source rows for one target row.
    DuplicateRow = 100090, "42P18", Execution;
    /// A text that does not fit its format.
    FormatMismatch = 100096, "22007", Execution;
    /// A key given twice.
    DuplicateKey = 100103, "22000", Execution;
    /// A value that is no array.
    NotAnArray = 100107, "22000", Execution;
    /// A text that is no time.
    InvalidTime = 100108, "22007", Execution;
    /// A file that is not in the stage.
    FileNotFound = 100112, "22000", Execution;
    /// A URL that does not parse.
    InvalidUrlText = 100139, "22000", Execution;
    /// A text that does not fit its number format.
    NumberFormatMismatch = 100140, "22007", Execution;
    /// Binary operands of different length.
    LengthMismatch = 100544, "22026", Execution;
    /// A text that is no hexadecimal or base-64 value.
    InvalidBinary = 100115, "22000", Execution;
    /// A file whose bytes are not what its format says.
    CorruptFile = 100152, "22000", Execution;
    /// A generic failure of the data, with its own text.
    InvalidValue = 100000, "22000", Execution;
    /// A new password that the policy does not take.
    PasswordRejected = 3002, "28P01", Execution;
    /// A login with a name and a password that do not belong together.
    IncorrectLogin = 390100, "28000", Execution;
    /// A login of a user who is disabled, or has expired.
    UserDisabled = 390101, "28000", Execution;
    /// A login of a user who is locked for a while.
    UserLocked = 390102, "28000", Execution;
    /// A login with a password that must be changed.
    PasswordExpired = 390106, "28000", Execution;
    /// A login with a token of a key pair that is not the user's, or not of now.
    InvalidKeyPairToken = 390144, "28000", Execution;
    /// A login from an address that the network policy does not allow.
    AddressNotAllowed = 390422, "28000", Execution;
    /// A login with a programmatic access token that is none, or not any more.
    InvalidAccessToken = 394400, "28000", Execution;
    /// A local file that does not exist.
    LocalFileNotFound = 253006, "58030", Execution;
    /// A secret whose key is not here.
    KeyMissing = 300011, "58030", Execution;
    /// Storage that cannot be read or written.
    Storage = 300010, "58030", Execution;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06} ({})", self.number(), self.sqlstate())
    }
}
