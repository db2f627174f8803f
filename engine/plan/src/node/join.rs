//! Nodes over two inputs.

use firn_expression::Expr;
use firn_types::{ColumnId, SqlType};

use crate::{Plan, PlanColumn};

/// Rows of two inputs that belong together. No order.
///
/// A pair of rows matches when every pair of `keys` is equal (NULL equals nothing, unless the key is
/// marked so) and every expression of `conditions` is TRUE.
#[derive(Clone, Debug)]
pub struct Join {
    /// What becomes of matching and of unmatched rows.
    pub kind: JoinKind,
    /// Left input: the probe side, once the optimizer has chosen.
    pub left: Box<Plan>,
    /// Right input: the build side, once the optimizer has chosen.
    pub right: Box<Plan>,
    /// Pairs that must be equal: an expression over the left columns, one over the right, both of one
    /// type.
    pub keys: Vec<JoinKey>,
    /// What must be TRUE besides, over the columns of both.
    pub conditions: Vec<Expr>,
}

/// One pair of expressions that must be equal.
#[derive(Clone, Debug)]
pub struct JoinKey {
    /// Over the left columns.
    pub left: Expr,
    /// Over the right columns.
    pub right: Expr,
    /// Whether NULL equals NULL.
    pub null_equals_null: bool,
}

/// What a join gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Matching pairs: left columns, then right columns. Without keys and conditions, all pairs.
    Inner,
    /// And left rows without a match, with NULLs on the right.
    Left,
    /// And right rows without a match, with NULLs on the left.
    Right,
    /// And both.
    Full,
    /// Left rows that have a match, once; left columns only.
    Semi,
    /// Left rows that have no match; left columns only.
    Anti,
    /// Right rows that have a match, once; right columns only: a semi join that is built on the side it
    /// keeps.
    RightSemi,
    /// Right rows that have no match; right columns only.
    RightAnti,
    /// Every left row once, with a BOOLEAN column: TRUE when it has a match; otherwise FALSE, or NULL when
    /// `nulls` and some right row would match if NULL keys were equal to all and NULL conditions were TRUE:
    /// the answer of SQL's IN and of comparisons with ANY. A condition of which NULL must count as FALSE
    /// says so itself.
    Mark {
        /// The BOOLEAN column.
        id: ColumnId,
        /// Whether NULL may be the answer.
        nulls: bool,
    },
    /// Every left row once with the columns of its one match or NULLs; an error when it has several.
    Single,
}

impl JoinKind {
    /// The kind with left and right exchanged; none where there is no such kind.
    pub fn turned(self) -> Option<JoinKind> {
        Some(match self {
            JoinKind::Inner => JoinKind::Inner,
            JoinKind::Full => JoinKind::Full,
            JoinKind::Left => JoinKind::Right,
            JoinKind::Right => JoinKind::Left,
            JoinKind::Semi => JoinKind::RightSemi,
            JoinKind::RightSemi => JoinKind::Semi,
            JoinKind::Anti => JoinKind::RightAnti,
            JoinKind::RightAnti => JoinKind::Anti,
            JoinKind::Mark { .. } | JoinKind::Single => return None,
        })
    }

    /// Whether a left row may come out, alone or marked, although it has no match.
    pub fn preserves_left(self) -> bool {
        match self {
            JoinKind::Left | JoinKind::Full | JoinKind::Anti | JoinKind::Single => true,
            JoinKind::Mark { .. } => true,
            JoinKind::Inner | JoinKind::Right | JoinKind::Semi => false,
            JoinKind::RightSemi | JoinKind::RightAnti => false,
        }
    }

    /// Whether right rows come out one by one, by whether they have a match.
    pub fn filters_build_side(self) -> bool {
        use JoinKind::{Full, Right, RightAnti, RightSemi};
        matches!(self, Right | Full | RightSemi | RightAnti)
    }

    /// Whether the right side's columns come out.
    pub fn gives_right(self) -> bool {
        !matches!(self, JoinKind::Semi | JoinKind::Anti | JoinKind::Mark { .. })
    }

    /// Whether the left side's columns come out.
    pub fn gives_left(self) -> bool {
        !matches!(self, JoinKind::RightSemi | JoinKind::RightAnti)
    }
}

impl Join {
    /// The columns that it gives.
    pub fn columns(&self) -> Vec<PlanColumn> {
        let nullable = |mut columns: Vec<PlanColumn>| {
            columns.iter_mut().for_each(|column| column.nullable = true);
            columns
        };
        let mut left = self.left.columns();
        match self.kind {
            JoinKind::Inner => left.extend(self.right.columns()),
            JoinKind::Left | JoinKind::Single => left.extend(nullable(self.right.columns())),
            JoinKind::Right => {
                left = nullable(left);
                left.extend(self.right.columns());
            }
            JoinKind::Full => {
                left = nullable(left);
                left.extend(nullable(self.right.columns()));
            }
            JoinKind::Semi | JoinKind::Anti => {}
            JoinKind::RightSemi | JoinKind::RightAnti => left = self.right.columns(),
            JoinKind::Mark { id, nulls } => left.push(mark_column(id, nulls)),
        }
        left
    }
}

/// For each left row, the rows of a right side whose expressions may use the left row's columns.
///
/// It is what a correlated or lateral subquery means; decorrelation turns every `Apply` into joins.
#[derive(Clone, Debug)]
pub struct Apply {
    /// What becomes of the rows.
    pub kind: ApplyKind,
    /// The outer rows.
    pub left: Box<Plan>,
    /// The dependent query.
    pub right: Box<Plan>,
}

/// What an [`Apply`] gives.
#[derive(Clone, Debug)]
pub enum ApplyKind {
    /// Left columns and right columns of every pair: LATERAL.
    Inner,
    /// And left rows without right rows, with NULLs: LEFT JOIN LATERAL.
    Left,
    /// Every left row with the right side's only row, or NULLs; an error when it has several.
    Scalar,
    /// Every left row with a BOOLEAN column: whether the right side has a row.
    Exists {
        /// The BOOLEAN column.
        id: ColumnId,
    },
    /// Every left row with a BOOLEAN column: the answer of `(left operands) IN (right side)`, or of a
    /// comparison with ANY: whether some right row satisfies all the conditions; NULL as SQL has it.
    Any {
        /// The BOOLEAN column.
        id: ColumnId,
        /// Conditions over left columns and right columns, comparisons all.
        conditions: Vec<Expr>,
    },
}

impl Apply {
    /// The columns that it gives.
    pub fn columns(&self) -> Vec<PlanColumn> {
        let mut left = self.left.columns();
        match &self.kind {
            ApplyKind::Inner => left.extend(self.right.columns()),
            ApplyKind::Left | ApplyKind::Scalar => {
                left.extend(self.right.columns().into_iter().map(|mut column| {
                    column.nullable = true;
                    column
                }));
            }
            ApplyKind::Exists { id } => left.push(mark_column(*id, false)),
            ApplyKind::Any { id, .. } => left.push(mark_column(*id, true)),
        }
        left
    }
}

fn mark_column(id: ColumnId, nullable: bool) -> PlanColumn {
    PlanColumn { id, name: "MARK".to_string(), sql_type: SqlType::Boolean, nullable }
}
