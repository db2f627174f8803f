//! Cutting a script into statements.
//!
//! A statement ends at a `;` outside of strings, comments and blocks. A block is what stands between
//! BEGIN (or DECLARE) and its END, at the start of a statement or behind the AS of a routine; a BEGIN that
//! starts a transaction is none.

use firn_types::Span;

use super::scan::{Kind, Lexeme, Scanner};

/// One statement of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its place in the script, without the `;`.
    pub span: Span,
    /// Its text, without blanks and comments before and behind it.
    pub text: &'a str,
}

/// The statements of a script. Pieces of nothing but comments are left out. A string or comment without
/// end makes the rest of the script one piece, whose parsing then says what is wrong.
pub fn split_script(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    walk(text, |start, end| {
        let text = text.get(start..end).unwrap_or("");
        pieces.push(Piece { span: Span::new(start, end), text });
    });
    pieces
}

/// Whether a shell may send `text`: nothing stands behind the last `;` that ends a statement.
pub fn is_complete(text: &str) -> bool {
    walk(text, |_, _| ())
}

/// Calls `piece` with the range of each statement; says whether the last one was ended by a `;`.
fn walk(text: &str, mut piece: impl FnMut(usize, usize)) -> bool {
    let mut scanner = Scanner::new(text);
    let mut block = Block::default();
    let mut open: Option<(usize, usize)> = None;
    loop {
        let from = scanner.position();
        match scanner.next() {
            Ok(Some(lexeme)) if lexeme.of(text) == ";" && lexeme.kind == Kind::Symbol => {
                if block.semicolon() {
                    if let Some((start, end)) = open.take() {
                        piece(start, end);
                    }
                    block = Block::default();
                } else {
                    open = Some((open.map_or(lexeme.start, |(start, _)| start), lexeme.end));
                }
            }
            Ok(Some(lexeme)) => {
                block.lexeme(lexeme, text);
                open = Some((open.map_or(lexeme.start, |(start, _)| start), lexeme.end));
            }
            Ok(None) => {
                if let Some((start, end)) = open {
                    piece(start, end);
                }
                return open.is_none();
            }
            // A single strange character is the parser's business; what has no end swallows the rest.
            Err(error) if error.span().is_some_and(|span| (span.end as usize) < text.len()) => {
                let end = error.span().map_or(text.len(), |span| span.end as usize);
                open = Some((open.map_or(end - 1, |(start, _)| start), end));
                scanner = Scanner::from(text, end);
            }
            Err(error) => {
                let start = error.span().map_or(from, |span| span.start as usize);
                piece(open.map_or(start, |(start, _)| start), text.trim_end().len());
                return false;
            }
        }
    }
}

/// How deep in blocks the text is.
#[derive(Default)]
struct Block {
    /// The previous words, upper-cased, newest last; at most two.
    previous: [String; 2],
    /// Lexemes of the statement so far.
    count: usize,
    /// BEGIN and CASE that wait for their END.
    depth: usize,
    /// Each DECLARE that waits for its BEGIN: how deep in blocks it stands.
    declaring: Vec<usize>,
    /// The statement has a block, so that CASE counts.
    inside: bool,
    /// The last word was END: the next one says what it ends.
    ending: bool,
    /// The last word was BEGIN: the next one says whether it starts a transaction.
    beginning: bool,
    /// That BEGIN is the body of a procedure which a block declares, and no end of its DECLARE.
    nested: bool,
    /// CREATE was read, and perhaps words that may stand before the kind of what is created.
    creating: bool,
    /// The statement creates something whose body may be a block.
    routine: bool,
}

/// Words between CREATE and the kind of what is created.
const BEFORE_KIND: [&str; 8] =
    ["OR", "REPLACE", "ALTER", "TEMP", "TEMPORARY", "SECURE", "AGGREGATE", "EXTERNAL"];
/// What has a body that may be a block.
const ROUTINES: [&str; 4] = ["PROCEDURE", "FUNCTION", "TASK", "ALERT"];

impl Block {
    /// Takes a `;`; says whether it ends the statement.
    fn semicolon(&mut self) -> bool {
        // `BEGIN;` starts a transaction.
        self.beginning = false;
        self.settle_end("");
        self.previous = [String::new(), String::new()];
        self.depth == 0 && self.declaring.is_empty()
    }

    fn lexeme(&mut self, lexeme: Lexeme, text: &str) {
        let word = match lexeme.kind {
            Kind::Word => lexeme.of(text).to_uppercase(),
            _ => String::new(),
        };
        if std::mem::take(&mut self.beginning)
            && !matches!(word.as_str(), "TRANSACTION" | "WORK" | "NAME")
        {
            if !self.nested && self.declaring.last() == Some(&self.depth) {
                self.declaring.pop();
            }
            self.depth += 1;
            self.inside = true;
        }
        self.settle_end(&word);
        if std::mem::take(&mut self.creating) {
            self.routine |= ROUTINES.contains(&word.as_str());
            self.creating = BEFORE_KIND.contains(&word.as_str());
        }
        self.creating |= self.count == 0 && word == "CREATE";
        let in_routine = self.routine && matches!(self.previous[1].as_str(), "AS" | "THEN");
        let starts_block = self.count == 0 || in_routine || self.inside;
        match word.as_str() {
            "BEGIN" if starts_block => {
                self.beginning = true;
                self.nested = self.previous[1] == "AS" && !self.declaring.is_empty();
            }
            "DECLARE" if starts_block => {
                self.declaring.push(self.depth);
                self.inside = true;
            }
            "CASE" if self.inside && self.previous[1] != "END" => self.depth += 1,
            "END" if self.inside => self.ending = true,
            _ => {}
        }
        self.previous.swap(0, 1);
        self.previous[1] = word;
        self.count += 1;
    }

    /// After END: what closes IF, FOR, WHILE, LOOP and REPEAT closes nothing that was counted.
    fn settle_end(&mut self, next: &str) {
        if std::mem::take(&mut self.ending)
            && !matches!(next, "IF" | "FOR" | "WHILE" | "LOOP" | "REPEAT")
        {
            self.depth = self.depth.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(script: &str) -> Vec<&str> {
        split_script(script).into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn semicolons_in_strings_names_and_comments_do_not_end_a_statement() {
        let script = "select ';', \";\", $$;$$ -- ;\n/* ; */ , 'it\\';' ; // ;\n ;; select 2";
        let first = "select ';', \";\", $$;$$ -- ;\n/* ; */ , 'it\\';'";
        assert_eq!(texts(script), [first, "select 2"]);
        assert_eq!(texts("-- nothing\n/* at all */ ;"), Vec::<&str>::new());
        assert_eq!(texts("  "), Vec::<&str>::new());
    }

    #[test]
    fn local_files_are_no_comments() {
        let script = "PUT file:///tmp/dir/*.csv @~ ; LIST @~; select 1";
        assert_eq!(texts(script), ["PUT file:///tmp/dir/*.csv @~", "LIST @~", "select 1"]);
        assert_eq!(
            texts("PUT file://1'@\"a b\";c/x'; ls @s"),
            ["PUT file://1'@\"a b\";c/x'", "ls @s"]
        );
        assert_eq!(texts("get @s/x file:///tmp/;ls @s"), ["get @s/x file:///tmp/", "ls @s"]);
    }

    #[test]
    fn blocks_are_whole_and_transactions_are_not_blocks() {
        let block = "declare x int; begin let y := case when 1=1 then 2 end; \
                     if (y > 1) then y := 2; end if; case (y) when 1 then return 1; end case; \
                     for i in 1 to 2 do begin null; end; end for; begin transaction; commit; \
                     exception when other then return 1; end";
        assert_eq!(texts(&format!("{block}; select 1")), [block, "select 1"]);
        let nested = "declare a int; p procedure(x int) returns int as begin begin null; end; return x; end; \
                      q procedure() returns table() as declare r resultset; begin return table(r); end; b int; \
                      begin call p(1); end";
        assert_eq!(texts(&format!("{nested}; select 1")), [nested, "select 1"]);
        let stored = format!("create procedure s() returns int as {nested}");
        assert_eq!(texts(&format!("{stored}; select 1")), [stored.as_str(), "select 1"]);
        assert_eq!(texts("begin; select 1; commit"), ["begin", "select 1", "commit"]);
        assert_eq!(
            texts("BEGIN TRANSACTION; select 1; end"),
            ["BEGIN TRANSACTION", "select 1", "end"]
        );
        assert_eq!(texts("begin work;begin name x;1"), ["begin work", "begin name x", "1"]);
        let task = "create task t as begin select 1; select 2; end";
        assert_eq!(texts(&format!("{task};select 3")), [task, "select 3"]);
        assert_eq!(texts("select case when a then b end; select 2").len(), 2);
        assert_eq!(texts("select begin, declare from t; select 2").len(), 2);
        assert_eq!(texts("create table t as select 1 as begin, 2 as x; select 2").len(), 2);
        assert_eq!(texts("with a as (select 1 as declare) select 1; select 2").len(), 2);
        let routine =
            "create or replace procedure p() returns int language sql as begin return 1; end";
        assert_eq!(texts(&format!("{routine}; select 1")), [routine, "select 1"]);
    }

    #[test]
    fn completeness_for_the_shell() {
        for (text, complete) in [
            ("select 1;", true),
            ("select 1; -- done\n", true),
            ("", true),
            ("select 1", false),
            ("select ';", false),
            ("select 1; select", false),
            ("begin select 1;", false),
            ("begin select 1; end;", true),
            ("begin;", true),
            ("select /* ;", false),
            ("select $$ ;", false),
        ] {
            assert_eq!(is_complete(text), complete, "{text}");
        }
    }

    #[test]
    fn what_has_no_end_is_one_piece() {
        assert_eq!(
            texts("select 1; select 'abc ; select 2"),
            ["select 1", "select 'abc ; select 2"]
        );
        assert_eq!(texts("select 1 # 2; select 3"), ["select 1 # 2", "select 3"]);
    }
}
