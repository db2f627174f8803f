//! SELECT: its list, grouping and windows.

use firn_types::{Error, Identifier, Result, Span};
use sqlparser::ast as sq;

use super::super::ast::{
    Expr, ExprKind, GroupBy, GroupItem, Hierarchy, Literal, NamedWindow, Select, SelectItem,
    SelectItemKind, Star, Window,
};
use super::super::outline::span_of;
use super::super::scan::Kind;
use super::{Convert, cover};

/// Words that end a select list. Behind IS DISTINCT, and where a second word is missing, they do not.
const LIST_ENDS: [&str; 17] = [
    "FROM",
    "WHERE",
    "HAVING",
    "QUALIFY",
    "LIMIT",
    "UNION",
    "EXCEPT",
    "MINUS",
    "INTERSECT",
    "INTO",
    "FETCH",
    "OFFSET",
    "WINDOW",
    "GROUP",
    "ORDER",
    "START",
    "CONNECT",
];

/// The parts of a SELECT that firn has.
struct Parts {
    start: Span,
    distinct: Option<sq::Distinct>,
    top: Option<sq::Top>,
    /// Whether it was written as `TABLE t`.
    whole_table: bool,
    projection: Vec<sq::SelectItem>,
    from: Vec<sq::TableWithJoins>,
    selection: Option<sq::Expr>,
    connect_by: Vec<sq::ConnectByKind>,
    group_by: sq::GroupByExpr,
    having: Option<sq::Expr>,
    windows: Vec<sq::NamedWindowDefinition>,
    qualify: Option<sq::Expr>,
}

impl Convert<'_> {
    /// SELECT.
    pub(super) fn select(&mut self, select: sq::Select) -> Result<Select> {
        let parts = self.parts(select)?;
        self.select_of(parts)
    }

    /// What firn reads of a SELECT. Every part of sqlparser's tree is named here, so that none is lost.
    fn parts(&self, select: sq::Select) -> Result<Parts> {
        let sq::Select {
            select_token,
            // Comments are no tokens here.
            optimizer_hints: _,
            distinct,
            select_modifiers,
            top,
            top_before_distinct,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        let start = span_of(select_token.0.span);
        if into.is_some() {
            return Err(Error::not_supported("SELECT INTO"));
        }
        self.refuse(matches!(distinct, Some(sq::Distinct::On(_))), "on", start)?;
        if select_modifiers.is_some_and(|modifiers| modifiers.is_any_set()) {
            return Err(self.outline.unexpected(self.outline.at(start.end)));
        }
        self.refuse(top_before_distinct && distinct.is_some(), "distinct", start)?;
        self.refuse(exclude.is_some(), "exclude", start)?;
        self.refuse(!lateral_views.is_empty(), "view", start)?;
        self.refuse(prewhere.is_some(), "prewhere", start)?;
        self.refuse(!cluster_by.is_empty(), "cluster", start)?;
        self.refuse(!distribute_by.is_empty(), "distribute", start)?;
        self.refuse(!sort_by.is_empty(), "sort", start)?;
        self.refuse(value_table_mode.is_some(), "as", start)?;
        let whole_table = match flavor {
            sq::SelectFlavor::Standard => false,
            sq::SelectFlavor::FromFirstNoSelect if self.is_whole_table(&from, start) => true,
            _ => return Err(self.unexpected_word("from", start)),
        };
        Ok(Parts {
            start,
            distinct,
            top,
            whole_table,
            projection,
            from,
            selection,
            connect_by,
            group_by,
            having,
            windows: named_window,
            qualify,
        })
    }

    fn select_of(&mut self, parts: Parts) -> Result<Select> {
        let start = parts.start;
        let skip = usize::from(parts.distinct.is_some());
        let distinct = matches!(parts.distinct, Some(sq::Distinct::Distinct));
        let top = parts.top.map(|top| self.top(top, start)).transpose()?;
        let mut first = self.outline.at(start.start) + 1 + skip;
        if let Some(top) = &top {
            first = self.outline.at(top.span.end);
            if self.outline.is_symbol(first, ")") {
                first += 1;
            }
        }
        let items = match parts.whole_table {
            true => {
                let kind = SelectItemKind::Star(Box::new(Star { span: start, ..Star::default() }));
                vec![SelectItem { kind, span: start }]
            }
            false => self.items(parts.projection, first)?,
        };
        let from = parts.from.into_iter().map(|table| self.table_with_joins(table));
        let from = from.collect::<Result<Vec<_>>>()?;
        let filter = parts.selection.map(|filter| self.expr(filter)).transpose()?;
        let hierarchy = self.hierarchy(parts.connect_by)?;
        let group_by = self.group_by(parts.group_by, start)?;
        let having = parts.having.map(|having| self.expr(having)).transpose()?;
        let qualify = parts.qualify.map(|qualify| self.expr(qualify)).transpose()?;
        let windows = parts.windows.into_iter();
        let windows =
            windows.map(|sq::NamedWindowDefinition(name, window)| self.named_window(name, window));
        let windows = windows.collect::<Result<_>>()?;
        let ends = [&filter, &having, &qualify].into_iter().flatten().map(|expr| expr.span);
        let spans = items.iter().map(|item| item.span).chain(from.iter().map(|table| table.span));
        let span = cover([start].into_iter().chain(spans).chain(ends));
        Ok(Select {
            distinct,
            top,
            items,
            from,
            hierarchy,
            filter,
            group_by,
            having,
            qualify,
            windows,
            span,
        })
    }

    /// Whether this is `TABLE t`, which stands for `SELECT * FROM t`.
    fn is_whole_table(&self, from: &[sq::TableWithJoins], start: Span) -> bool {
        let plain = |table: &sq::TableWithJoins| {
            let named = matches!(
                &table.relation,
                sq::TableFactor::Table { alias: None, args: None, version: None, sample: None, .. }
            );
            named && table.joins.is_empty()
        };
        let [table] = from else { return false };
        self.outline.is_table_query(self.outline.at(start.start)) && plain(table)
    }

    fn hierarchy(&mut self, clauses: Vec<sq::ConnectByKind>) -> Result<Option<Hierarchy>> {
        let mut start = None;
        let mut connect = Vec::new();
        for clause in clauses {
            match clause {
                sq::ConnectByKind::StartWith { condition, .. } => {
                    start = Some(self.expr(*condition)?);
                }
                sq::ConnectByKind::ConnectBy { connect_token, nocycle, relationships } => {
                    if nocycle {
                        let place = span_of(connect_token.0.span);
                        return Err(self.unexpected_word("nocycle", place));
                    }
                    connect.extend(self.exprs(relationships)?);
                }
            }
        }
        match (&start, connect.is_empty()) {
            (None, true) => Ok(None),
            (Some(start), true) => Err(self.unexpected_at(start.span)),
            (_, false) => Ok(Some(Hierarchy { start, connect })),
        }
    }

    fn top(&mut self, top: sq::Top, start: Span) -> Result<Expr> {
        let sq::Top { with_ties, percent, quantity } = top;
        self.refuse(percent, "percent", start)?;
        self.refuse(with_ties, "with", start)?;
        match quantity {
            Some(sq::TopQuantity::Expr(expr)) => self.expr(expr),
            Some(sq::TopQuantity::Constant(count)) => {
                let from = self.outline.at(start.start);
                let digits = (from..self.outline.lexemes.len())
                    .find(|index| self.outline.word(*index).parse::<u64>() == Ok(count))
                    .unwrap_or(from);
                let literal = Literal::Number(count.to_string().into());
                Ok(Expr::new(ExprKind::Literal(literal), self.outline.span(digits)))
            }
            None => Err(self.unexpected_word("top", start)),
        }
    }

    /// The select list, whose first lexeme is number `first`.
    fn items(&mut self, items: Vec<sq::SelectItem>, first: usize) -> Result<Vec<SelectItem>> {
        let mut converted = Vec::with_capacity(items.len());
        let mut from = first;
        for item in items {
            let to = self.item_end(from);
            let source = self.outline.range(from, to);
            from = to + 1;
            converted.push(match item {
                sq::SelectItem::UnnamedExpr(expr) => {
                    let kind = SelectItemKind::Expr(self.expr(expr)?, None);
                    SelectItem { kind, span: source }
                }
                sq::SelectItem::ExprWithAlias { expr, alias } => {
                    let expr = self.expr(expr)?;
                    let span = Span::new(source.start as usize, expr.span.end as usize);
                    // An alias in single quotes has no place of its own.
                    if alias.quote_style == Some('\'') {
                        return Err(self.outline.unexpected(self.outline.at(expr.span.end)));
                    }
                    let alias = Some(self.alias_name(alias)?);
                    SelectItem { kind: SelectItemKind::Expr(expr, alias), span }
                }
                star @ (sq::SelectItem::Wildcard(_) | sq::SelectItem::QualifiedWildcard(..)) => {
                    let star = Star { span: source, ..self.star_item(star)? };
                    SelectItem { kind: SelectItemKind::Star(Box::new(star)), span: source }
                }
                sq::SelectItem::ExprWithAliases { expr, .. } => {
                    let expr = self.expr(expr)?;
                    return Err(self.unexpected_word("(", expr.span));
                }
            });
        }
        Ok(converted)
    }

    /// The number of the lexeme behind the select item that begins at lexeme `from`.
    fn item_end(&self, from: usize) -> usize {
        let mut index = from;
        while index < self.outline.lexemes.len() {
            match self.outline.word(index) {
                "," | ")" | "]" | "}" | ";" => return index,
                "(" | "[" | "{" => index = self.outline.partner(index).max(index),
                word if index > from && self.ends_list(index, word) => return index,
                _ => {}
            }
            index += 1;
        }
        index
    }

    fn ends_list(&self, index: usize, word: &str) -> bool {
        let before = self.outline.word(index - 1);
        if before == "."
            || before == ":"
            || !LIST_ENDS.iter().any(|end| word.eq_ignore_ascii_case(end))
        {
            return false;
        }
        match word.to_ascii_uppercase().as_str() {
            // `a IS DISTINCT FROM b`
            "FROM" => !self.outline.is_word(index - 1, "DISTINCT"),
            "GROUP" | "ORDER" | "CONNECT" => self.outline.is_word(index + 1, "BY"),
            "START" => self.outline.is_word(index + 1, "WITH"),
            _ => self.outline.lexemes[index].kind == Kind::Word,
        }
    }

    /// `*` or `t.*` as an item.
    pub(super) fn star_item(&mut self, item: sq::SelectItem) -> Result<Star> {
        match item {
            sq::SelectItem::Wildcard(options) => self.star(None, options),
            sq::SelectItem::QualifiedWildcard(kind, options) => match kind {
                sq::SelectItemQualifiedWildcardKind::ObjectName(name) => {
                    self.star(Some(name), options)
                }
                sq::SelectItemQualifiedWildcardKind::Expr(_) => {
                    Err(Error::not_supported("expression.*"))
                }
            },
            _ => Err(Error::internal("not a star")),
        }
    }

    /// `*` with its modifiers.
    pub(super) fn star(
        &mut self,
        qualifier: Option<sq::ObjectName>,
        options: sq::WildcardAdditionalOptions,
    ) -> Result<Star> {
        let sq::WildcardAdditionalOptions {
            wildcard_token,
            opt_ilike,
            opt_exclude,
            opt_except,
            opt_replace,
            opt_rename,
            opt_alias,
        } = options;
        let qualifier = qualifier.map(|name| self.object_name(name)).transpose()?;
        let mut star = Star {
            span: cover(
                [span_of(wildcard_token.0.span)]
                    .into_iter()
                    .chain(qualifier.as_ref().map(|name| name.span())),
            ),
            qualifier,
            ilike: opt_ilike.map(|ilike| ilike.pattern),
            ..Star::default()
        };
        self.refuse(opt_except.is_some(), "except", star.span)?;
        self.refuse(opt_alias.is_some(), "as", star.span)?;
        let excluded = match opt_exclude {
            Some(sq::ExcludeSelectItem::Single(name)) => vec![name],
            Some(sq::ExcludeSelectItem::Multiple(names)) => names,
            None => Vec::new(),
        };
        for name in excluded {
            star.exclude.push(self.single(name)?);
        }
        for element in opt_replace.into_iter().flat_map(|replace| replace.items) {
            let expr = self.expr(element.expr)?;
            star.replace.push((expr, self.identifier(element.column_name)?));
        }
        let renamed = match opt_rename {
            Some(sq::RenameSelectItem::Single(item)) => vec![item],
            Some(sq::RenameSelectItem::Multiple(items)) => items,
            None => Vec::new(),
        };
        for item in renamed {
            star.rename.push((self.identifier(item.ident)?, self.identifier(item.alias)?));
        }
        Ok(star)
    }

    /// A name of one part.
    pub(super) fn single(&mut self, name: sq::ObjectName) -> Result<Identifier> {
        let name = self.object_name(name)?;
        let span = name.span();
        let mut parts = name.parts.into_iter();
        match (parts.next(), parts.next()) {
            (Some(part), None) => Ok(part),
            _ => Err(self.unexpected_word(".", span)),
        }
    }

    fn group_by(&mut self, group_by: sq::GroupByExpr, start: Span) -> Result<Option<GroupBy>> {
        match group_by {
            sq::GroupByExpr::All(modifiers) => {
                if !modifiers.is_empty() {
                    return Err(self.unexpected_word("with", start));
                }
                let from = self.outline.at(start.start);
                let is_all = |index: &usize| {
                    self.outline.is_word(*index, "GROUP")
                        && self.outline.is_word(index + 1, "BY")
                        && self.outline.is_word(index + 2, "ALL")
                };
                let at = (from..self.outline.lexemes.len()).find(is_all).unwrap_or(from);
                Ok(Some(GroupBy::All(self.outline.range(at, at + 3))))
            }
            sq::GroupByExpr::Expressions(items, modifiers) => {
                let mut items = items;
                for modifier in modifiers {
                    match modifier {
                        sq::GroupByWithModifier::GroupingSets(sets) => items.push(sets),
                        _ => return Err(self.unexpected_word("with", start)),
                    }
                }
                if items.is_empty() {
                    return Ok(None);
                }
                let mut converted = Vec::with_capacity(items.len());
                for item in items {
                    converted.push(self.group_item(item)?);
                }
                Ok(Some(GroupBy::Items(converted)))
            }
        }
    }

    fn group_item(&mut self, item: sq::Expr) -> Result<GroupItem> {
        Ok(match item {
            sq::Expr::GroupingSets(sets) => {
                let (sets, span) = self.groups(sets)?;
                GroupItem::Sets(sets, span)
            }
            sq::Expr::Rollup(sets) => {
                let (sets, span) = self.groups(sets)?;
                GroupItem::Rollup(sets, span)
            }
            sq::Expr::Cube(sets) => {
                let (sets, span) = self.groups(sets)?;
                GroupItem::Cube(sets, span)
            }
            sq::Expr::Tuple(items) if items.is_empty() => {
                GroupItem::Sets(vec![Vec::new()], Span::default())
            }
            // `GROUP BY (a, b)` is `GROUP BY a, b` in one set.
            sq::Expr::Tuple(items) => {
                let (sets, span) = self.groups(vec![items])?;
                GroupItem::Sets(sets, span)
            }
            expr => GroupItem::Expr(self.expr(expr)?),
        })
    }

    fn groups(&mut self, sets: Vec<Vec<sq::Expr>>) -> Result<(Vec<Vec<Expr>>, Span)> {
        let mut converted = Vec::with_capacity(sets.len());
        for set in sets {
            converted.push(self.exprs(set)?);
        }
        let span = cover(converted.iter().flatten().map(|expr| expr.span));
        Ok((converted, span))
    }

    fn named_window(
        &mut self,
        name: sq::Ident,
        window: sq::NamedWindowExpr,
    ) -> Result<NamedWindow> {
        let name = self.identifier(name)?;
        let span = name.span;
        let window = match window {
            sq::NamedWindowExpr::NamedWindow(other) => Window::Named(self.identifier(other)?),
            sq::NamedWindowExpr::WindowSpec(spec) => {
                Window::Spec(Box::new(self.window_spec(spec)?))
            }
        };
        Ok(NamedWindow { name, window, span })
    }
}
