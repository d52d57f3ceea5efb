//! Seeds: the first rows of a world, read from a TOML file and made by the ledger's own operations.

mod build;
mod file;

use std::ops::Range;

use crate::ledger::{IdAllocator, Rules, Timestamp};
use crate::store::InitialState;

use build::Builder;
use file::SeedFile;

/// The demo world that an empty database begins with.
pub const DEMO: &str = include_str!("../../fixtures/demo.toml");

/// A mistake in a seed file: one line that says where and what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {problem}")]
pub struct SeedError {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

/// A seed file, read but not yet built.
#[derive(Debug)]
pub struct Seed {
    file: String,
    text: String,
    entries: SeedFile,
}

/// A problem and the place in the text that it concerns.
#[derive(Debug)]
struct Mistake {
    place: Range<usize>,
    problem: String,
}

impl Seed {
    /// Reads a seed file's text.
    pub fn parse(file: &str, text: &str) -> Result<Self, SeedError> {
        let entries = toml::from_str(text).map_err(|mistake| {
            let problem = mistake.message().replace('\n', " ");
            locate(file, text, &Mistake { place: mistake.span().unwrap_or(0..0), problem })
        })?;
        Ok(Self { file: file.to_owned(), text: text.to_owned(), entries })
    }

    /// Nothing but an empty world.
    pub fn empty() -> Self {
        Self { file: String::new(), text: String::new(), entries: SeedFile::default() }
    }

    /// Builds the rows, as of `now`.
    pub fn begin(
        &self,
        now: Timestamp,
        rules: &Rules,
        numbering: &mut IdAllocator,
    ) -> Result<InitialState, SeedError> {
        let builder = Builder::new(now, rules, numbering);
        builder.build(&self.entries).map_err(|mistake| locate(&self.file, &self.text, &mistake))
    }
}

fn locate(file: &str, text: &str, mistake: &Mistake) -> SeedError {
    let before = text.get(..mistake.place.start).unwrap_or(text);
    SeedError {
        file: file.to_owned(),
        line: before.matches('\n').count() + 1,
        problem: mistake.problem.clone(),
    }
}

#[cfg(test)]
mod tests {
    use crate::ledger::{Amount, FeeTable, IdCodec};

    use super::*;

    fn begin(text: &str) -> Result<InitialState, SeedError> {
        let rules = Rules {
            fees: FeeTable::new(&FeeTable::default_rules()).unwrap(),
            cc_delay_millis: 1_000,
            ach_delay_millis: 1_000,
            max_amount: Amount::from_micros(10_000_000_000),
            magic: false,
        };
        Seed::parse("seed.toml", text)?.begin(
            Timestamp::from_millis(0),
            &rules,
            &mut IdAllocator::new(IdCodec::new(1), 1, Timestamp::MIN),
        )
    }

    const ACCOUNTS: &str = "[[account]]\nname = 'shop'\nemail = 'shop@example.com'\n\
        [[account]]\nname = 'buyer'\nemail = 'buyer@example.com'\nkind = 'personal'\nbalance = '10.00'\n";

    #[test]
    fn the_demo_world_is_sound() {
        let beginning = begin(DEMO).unwrap();
        assert!(!beginning.keys.is_empty());
        assert!(!beginning.book.changes().postings.is_empty());
    }

    #[test]
    fn mistakes_name_their_line() {
        for (entry, line, problem) in [
            (
                "[[token]]\nid = 'T'\nsender = 'nobody'\ncaller = 'shop'\nmethod = 'CC'\n",
                11,
                "there is no account `nobody`",
            ),
            (
                "[[token]]\nid = 'T'\nsender = 'buyer'\ncaller = 'shop'\nmethod = 'Cash'\n",
                13,
                "`Cash` is no payment method; use ABT, CC or ACH",
            ),
            (
                "[[token]]\nid = 'T'\nsender = 'buyer'\ncaller = 'shop'\n",
                10,
                "the token needs a `method`: ABT, CC or ACH",
            ),
            ("[[token]]\nid = 'T'\ncharges = 'I'\n", 11, "there is no instrument `I`"),
            ("[[payment]]\ntoken = 'T'\namount = '1.00'\n", 10, "there is no token `T`"),
            ("[[account]]\nname = 'shop'\nemail = 'x@example.com'\n", 10, "there are two accounts `shop`"),
            (
                "[[account]]\nname = 'a'\nemail = 'Buyer@Example.com'\n",
                11,
                "there are two accounts with the address `Buyer@Example.com`",
            ),
            (
                "[[account]]\nname = 'a'\nemail = 'x@example.com'\nbalance = '-1'\n",
                12,
                "an amount must be dollars above zero with at most two decimals",
            ),
            (
                "[[token]]\nid = 'T'\nvalid_from = 2012-06-01\n",
                11,
                "`2012-06-01` is no instant; write for example 2012-06-01T12:00:00Z",
            ),
            (
                "[[acount]]\nname = 'a'\n",
                9,
                "unknown field `acount`, expected one of `account`, `credit_instrument`, `prepaid_instrument`, `token`, `payment`, `subscription`",
            ),
        ] {
            let mistake = begin(&format!("{ACCOUNTS}{entry}")).unwrap_err();
            assert_eq!((mistake.line, mistake.problem.as_str()), (line, problem), "{entry}");
        }
    }

    #[test]
    fn a_payment_that_fps_would_refuse_is_refused_with_its_reason() {
        let text = format!(
            "{ACCOUNTS}[[token]]\nid = 'T'\nsender = 'buyer'\ncaller = 'shop'\nmethod = 'ABT'\n\
             [[payment]]\ntoken = 'T'\namount = '11.00'\n"
        );
        let mistake = begin(&text).unwrap_err();
        assert!(
            mistake
                .to_string()
                .starts_with("seed.toml, line 15: the payment is refused: InsufficientBalance"),
            "{mistake}"
        );
    }
}
