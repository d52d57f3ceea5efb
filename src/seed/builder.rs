//! Builds the rows of a seed. The ledger's own operations create every opening balance and every opening debt, as
//! transactions with postings.

mod accounts;
mod instruments;
mod payments;
mod subscriptions;
mod tokens;
mod values;

use std::collections::HashMap;

use toml::Spanned;

use crate::ledger::{
    AccountNumber, Book, Context, IdAllocator, Instrument, InstrumentNumber, Rules, Timestamp,
};
use crate::store::{InitialState, NewAccessKey};

use super::error::{EntryError, EntryResult};
use super::file::SeedFile;

/// The rows of a world while they are built, and what the ledger's operations need.
pub(super) struct Builder<'a> {
    now: Timestamp,
    /// When the first seeded transaction is received. Each later one takes the next millisecond, so that all precede
    /// `now`.
    first_received: Timestamp,
    rules: &'a Rules,
    ids: &'a mut IdAllocator,
    book: Book,
    keys: Vec<NewAccessKey>,
    /// Accounts by the name that they have in the file.
    accounts: HashMap<String, AccountNumber>,
    /// Instruments by id.
    instruments: HashMap<String, InstrumentNumber>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(now: Timestamp, rules: &'a Rules, ids: &'a mut IdAllocator) -> Self {
        let (accounts, instruments) = (HashMap::new(), HashMap::new());
        let book = Book::default();
        Self { now, first_received: now, rules, ids, book, keys: Vec::new(), accounts, instruments }
    }

    /// Builds all entries of a file. Entries can refer to entries of the kinds before theirs.
    pub(super) fn build(mut self, file: &SeedFile) -> EntryResult<InitialState> {
        let deposits = file.account.iter().filter(|entry| entry.balance.is_some()).count();
        let transactions = i64::try_from(deposits + file.payment.len()).unwrap_or(0);
        self.first_received = self.now.plus_millis(-transactions);
        for entry in &file.account {
            accounts::add_account(&mut self, entry)?;
        }
        for entry in &file.credit_instrument {
            instruments::add_credit_instrument(&mut self, entry)?;
        }
        for entry in &file.prepaid_instrument {
            instruments::add_prepaid_instrument(&mut self, entry)?;
        }
        for entry in &file.token {
            tokens::add_token(&mut self, entry)?;
        }
        for entry in &file.payment {
            payments::add_payment(&mut self, entry)?;
        }
        for entry in &file.subscription {
            subscriptions::add_subscription(&mut self, entry)?;
        }
        Ok(InitialState { book: self.book, keys: self.keys })
    }

    /// The book, and the context in which the ledger's operations run.
    fn book_and_context(&mut self) -> (&mut Book, Context<'_>) {
        let context = Context {
            now: self.first_received,
            // Transactions then take consecutive milliseconds.
            is_clock_frozen: true,
            rules: self.rules,
            ids: self.ids,
        };
        (&mut self.book, context)
    }

    fn find_account(&self, name: &Spanned<String>) -> EntryResult<AccountNumber> {
        let number = self.accounts.get(name.get_ref()).copied();
        number.ok_or_else(|| EntryError::at(name, format!("there is no account `{}`", name.get_ref())))
    }

    fn find_instrument(&self, id: &Spanned<String>) -> EntryResult<&Instrument> {
        let number = self.instruments.get(id.get_ref());
        let instrument = number.and_then(|number| self.book.instrument_by_number(*number));
        instrument.ok_or_else(|| EntryError::at(id, format!("there is no instrument `{}`", id.get_ref())))
    }

    /// Checks that the sandbox does not generate this id itself. A generated id contains the number of its row, so an
    /// entry with such an id would not be found.
    fn check_not_generated(&self, id: &Spanned<String>) -> EntryResult<()> {
        if self.ids.codec().number_in(id.get_ref()).is_none() {
            return Ok(());
        }
        let problem =
            format!("the sandbox gives the id `{}` to a row of its own; give another", id.get_ref());
        Err(EntryError::at(id, problem))
    }
}
