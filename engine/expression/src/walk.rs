//! Going through expressions.
//!
//! Depth is bounded by [`firn_types::limits::NESTING_MAX`]; chains of AND, OR, IN and CASE are wide, not
//! deep. Reading is done without recursion all the same.

use firn_types::Result;

use super::Expr;

impl Expr {
    /// The expression with every direct operand replaced by what `change` makes of it.
    ///
    /// # Errors
    /// The first error of `change`.
    pub fn try_map_children(
        mut self,
        change: &mut dyn FnMut(Expr) -> Result<Expr>,
    ) -> Result<Expr> {
        for place in self.children_mut() {
            let old = std::mem::replace(place, Expr::boolean(false));
            *place = change(old)?;
        }
        Ok(self)
    }

    /// The expression rebuilt from its leaves upwards: `change` sees each part after its operands have been
    /// changed.
    ///
    /// # Errors
    /// The first error of `change`.
    pub fn try_map(self, change: &mut dyn FnMut(Expr) -> Result<Expr>) -> Result<Expr> {
        let whole = self.try_map_children(&mut |child| child.try_map(change))?;
        change(whole)
    }

    /// As [`Expr::try_map`], for a change that cannot fail.
    pub fn map(mut self, change: &mut dyn FnMut(Expr) -> Expr) -> Expr {
        for place in self.children_mut() {
            let old = std::mem::replace(place, Expr::boolean(false));
            *place = old.map(change);
        }
        change(self)
    }

    /// Shows `visit` the expression and all parts of it, each before its operands.
    pub fn visit<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        self.any(&mut |expr| {
            visit(expr);
            false
        });
    }

    /// Whether the test holds for the expression or a part of it. Parts after the first hit are not seen.
    pub fn any<'a>(&'a self, test: &mut dyn FnMut(&'a Expr) -> bool) -> bool {
        let mut waiting = vec![self];
        while let Some(expr) = waiting.pop() {
            if test(expr) {
                return true;
            }
            waiting.extend(expr.children().into_iter().rev());
        }
        false
    }
}
