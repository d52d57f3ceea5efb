//! Load: the rows a batch wants, a few statements a table.

use std::collections::BTreeMap;

use crate::clock::ClockState;
use crate::ledger::{
    Account, AccountNumber, Amount, Balances, Book, Descriptions, EmailKey, History, IdCodec, IdempotencyKey,
    IdempotencyRecord, Instrument, InstrumentNumber, LedgerAccount, MissingRows, Progress, RecordedOutcome,
    Scheduled, Secret, SecretName, Timestamp, Token, TokenNumber, Transaction, TransactionNumber, Usage,
    Validity,
};

use super::activity::Searches;
use super::columns::{self, Cell, corrupt};
use super::engine::{Connection, Row, Values};
use super::reports;
use super::statement::ManyRows;

macro_rules! wanted {
    ($columns:literal, $keys:literal, $from:literal) => {
        ManyRows::new(
            concat!("WITH wanted (", $keys, ") AS ("),
            columns_of($keys),
            concat!(") SELECT ", $columns, " FROM wanted CROSS JOIN ", $from),
        )
    };
}

/// How many columns a list of names has.
const fn columns_of(names: &str) -> usize {
    let bytes = names.as_bytes();
    let (mut count, mut at) = (1, 0);
    while at < bytes.len() {
        if bytes[at] == b',' {
            count += 1;
        }
        at += 1;
    }
    count
}

// `CROSS JOIN` makes SQLite go from the wanted keys to the table, never the other way; a test looks at the plans.
pub(super) static REFERENCES: ManyRows = wanted!(
    "r.caller, r.action, r.reference, r.digest, r.transaction_number, r.status, r.error_code, r.error_message, r.expires",
    "caller, reference, action",
    "caller_references r WHERE r.caller = wanted.caller AND r.reference = wanted.reference \
     AND r.action = wanted.action"
);
pub(super) static TOKEN_IDS: ManyRows = wanted!("t.*", "id", "tokens t WHERE t.id = wanted.id");
pub(super) static TOKENS: ManyRows = wanted!("t.*", "number", "tokens t WHERE t.number = wanted.number");
pub(super) static TOKENS_OF: ManyRows =
    wanted!("t.*", "account", "tokens t WHERE t.account = wanted.account");
pub(super) static TOKENS_UNDER: ManyRows = wanted!(
    "t.*",
    "caller, reference",
    "tokens t WHERE t.caller = wanted.caller AND t.caller_reference = wanted.reference"
);
pub(super) static SUBSCRIPTIONS: ManyRows = wanted!("s.*", "id", "subscriptions s WHERE s.id = wanted.id");
pub(super) static INSTRUMENT_IDS: ManyRows = wanted!("i.*", "id", "instruments i WHERE i.id = wanted.id");
pub(super) static INSTRUMENTS: ManyRows =
    wanted!("i.*", "number", "instruments i WHERE i.number = wanted.number");
pub(super) static TRANSACTION_IDS: ManyRows = wanted!("t.*", "id", "transactions t WHERE t.id = wanted.id");
pub(super) static TRANSACTIONS: ManyRows =
    wanted!("t.*", "number", "transactions t WHERE t.number = wanted.number");
pub(super) static REFUNDS: ManyRows =
    wanted!("t.*", "number", "transactions t WHERE t.original = wanted.number");
pub(super) static ACCOUNTS: ManyRows = wanted!("a.*", "number", "accounts a WHERE a.number = wanted.number");
pub(super) static ACCOUNTS_AT: ManyRows =
    wanted!("a.*", "email_key", "accounts a WHERE a.email_key = wanted.email_key");
pub(super) static SECRETS: ManyRows =
    wanted!("s.name, s.value", "name", "secrets s WHERE s.name = wanted.name");
pub(super) static TOTALS: ManyRows = wanted!(
    "t.kind, t.owner, t.amount",
    "kind, owner",
    "totals t WHERE t.kind = wanted.kind AND t.owner = wanted.owner"
);
/// The oldest open debts of each instrument after a Pay, [`FIRST_DEBTS`] of them.
pub(super) static OLDEST_DEBTS: ManyRows = ManyRows::new(
    "WITH wanted (instrument, after) AS (",
    2,
    "), ranges AS MATERIALIZED (SELECT instrument, after, coalesce((SELECT p.transaction_number FROM open_debts p \
     WHERE p.instrument = wanted.instrument AND p.transaction_number > wanted.after \
     ORDER BY p.transaction_number LIMIT 1 OFFSET 15), 9223372036854775807) AS through FROM wanted) \
     SELECT o.instrument, o.transaction_number, o.amount FROM ranges CROSS JOIN open_debts o \
     WHERE o.instrument = ranges.instrument AND o.transaction_number > ranges.after \
     AND o.transaction_number <= ranges.through ORDER BY o.instrument, o.transaction_number",
);
/// How many open debts of an instrument are looked at first: settlements mostly take few.
const FIRST_DEBTS: usize = 16;
/// The next open debts of one instrument.
pub(super) const NEXT_DEBTS: &str = "SELECT instrument, transaction_number, amount FROM open_debts \
     WHERE instrument = $1 AND transaction_number > $2 ORDER BY transaction_number LIMIT $3";
/// How many of them at a time.
const MORE_DEBTS: i64 = 1_024;
pub(super) static OPEN_DEBTS: ManyRows = wanted!(
    "o.instrument, o.transaction_number, o.amount",
    "instrument, number",
    "open_debts o WHERE o.instrument = wanted.instrument AND o.transaction_number = wanted.number"
);

/// Work that is due up to an instant, the earliest first.
pub(super) const DUE: &str = "SELECT at, transaction_number, step FROM due WHERE at <= $1 \
     AND problem IS NULL ORDER BY at, transaction_number LIMIT $2";
/// When the next work is due.
pub(super) const NEXT_DUE: &str = "SELECT min(at) FROM due WHERE problem IS NULL";
/// What is known of a world besides its rows. Accounts, tokens, instruments and transactions share one sequence of
/// numbers; instants never fall as numbers grow.
const WORLD: &str = "SELECT id_seed, clock_stands, clock_millis, \
     (SELECT min(at) FROM due WHERE problem IS NULL), \
     (SELECT max(number) FROM (SELECT max(number) AS number FROM accounts \
     UNION ALL SELECT max(number) FROM instruments \
     UNION ALL SELECT max(number) FROM tokens UNION ALL SELECT max(number) FROM transactions) AS used), \
     (SELECT received FROM transactions ORDER BY number DESC LIMIT 1) FROM world WHERE number = 1";

/// What is known of a world besides its rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct WorldState {
    /// Makes its ids.
    pub(super) ids: IdCodec,
    /// How its clock goes.
    pub(super) clock: ClockState,
    /// When the next work is due.
    pub(super) next_due: Option<Timestamp>,
    /// The first number that nothing has.
    pub(super) next_number: i64,
    /// When the newest transaction was received.
    pub(super) newest: Timestamp,
}

/// What makes the ids of a world.
pub(super) async fn ids(connection: &mut Connection) -> sqlx::Result<IdCodec> {
    let seed: i64 =
        connection.scalar("SELECT id_seed FROM world WHERE number = 1", Values::default()).await?;
    Ok(IdCodec::new(seed.cast_unsigned()))
}

/// Reads where a world stands.
pub(super) async fn world_state(connection: &mut Connection) -> sqlx::Result<WorldState> {
    let rows = connection.all(WORLD, Values::default()).await?;
    let world = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let (next_due, last): (Option<i64>, Option<i64>) = (world.try_get(3)?, world.try_get(4)?);
    let newest: Option<i64> = world.try_get(5)?;
    Ok(WorldState {
        ids: IdCodec::new(world.try_get::<i64, _>(0)?.cast_unsigned()),
        clock: columns::clock_state(world.try_get(1)?, world.try_get(2)?),
        next_due: next_due.map(Timestamp::from_millis),
        next_number: last.unwrap_or(0) + 1,
        newest: newest.map_or(Timestamp::MIN, Timestamp::from_millis),
    })
}

const SNAPSHOT_OF_FILE: &str = "SELECT (SELECT data_version FROM pragma_data_version), id_seed, clock_stands, clock_millis, \
     (SELECT min(at) FROM due WHERE problem IS NULL), \
     (SELECT received FROM transactions ORDER BY number DESC LIMIT 1) FROM world WHERE number = 1";
const SNAPSHOT_OF_SCHEMA: &str = "SELECT version, id_seed, clock_stands, clock_millis, \
     (SELECT min(at) FROM due WHERE problem IS NULL), \
     (SELECT received FROM transactions ORDER BY number DESC LIMIT 1) FROM world WHERE number = 1";

/// The world as a reader's transaction sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snapshot {
    /// Changes with every change of the world.
    pub(super) version: i64,
    /// Makes the ids.
    pub(super) ids: IdCodec,
    /// How the clock goes.
    pub(super) clock: ClockState,
    /// When the next work is due.
    pub(super) next_due: Option<Timestamp>,
    /// When the newest transaction was received.
    pub(super) newest: Timestamp,
}

/// Reads what a reader has to know of the world.
pub(super) async fn snapshot(connection: &mut Connection) -> sqlx::Result<Snapshot> {
    let text = match connection {
        Connection::Sqlite(_) => SNAPSHOT_OF_FILE,
        Connection::Postgres(_) => SNAPSHOT_OF_SCHEMA,
    };
    let rows = connection.all(text, Values::default()).await?;
    let world = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let (next_due, newest): (Option<i64>, Option<i64>) = (world.try_get(4)?, world.try_get(5)?);
    Ok(Snapshot {
        version: world.try_get(0)?,
        ids: IdCodec::new(world.try_get::<i64, _>(1)?.cast_unsigned()),
        clock: columns::clock_state(world.try_get(2)?, world.try_get(3)?),
        next_due: next_due.map(Timestamp::from_millis),
        newest: newest.map_or(Timestamp::MIN, Timestamp::from_millis),
    })
}

/// Loads what is wanted into the book.
pub(super) async fn fetch(
    connection: &mut Connection,
    wanted: &MissingRows,
    ids: IdCodec,
    searches: &mut Searches,
    book: &mut Book,
) -> sqlx::Result<()> {
    fetch_references(connection, wanted, book).await?;
    fetch_tokens(connection, wanted, ids, book).await?;
    fetch_instruments(connection, wanted, ids, book).await?;
    fetch_transactions(connection, wanted, ids, book).await?;
    fetch_accounts(connection, wanted, book).await?;
    fetch_money(connection, wanted, book).await?;
    fetch_oldest_debts(connection, wanted, book).await?;
    reports::fetch(connection, wanted, book).await?;
    searches.go_on(connection, &wanted.activity, book).await?;
    book.put_all(wanted);
    Ok(())
}

async fn fetch_references(
    connection: &mut Connection,
    wanted: &MissingRows,
    book: &mut Book,
) -> sqlx::Result<()> {
    let keys: Vec<_> = wanted.references.iter().cloned().collect();
    let bind = |query: Values, key: &IdempotencyKey| {
        query.bind(key.caller.0).bind(key.reference.clone()).bind(key.action.name())
    };
    REFERENCES
        .fetch(connection, &keys, bind, |row| {
            let (key, reference) = reference(row)?;
            book.put_reference(key, reference);
            Ok(())
        })
        .await
}

/// IdCodec that were made from row numbers as these numbers, and those that a seed file may have named.
fn by_number_or_name<'a>(wanted: impl Iterator<Item = &'a str>, ids: IdCodec) -> (Vec<i64>, Vec<String>) {
    let (mut numbers, mut named) = (Vec::new(), Vec::new());
    for id in wanted {
        match ids.number_in(id) {
            Some(number) => numbers.push(number),
            None => named.push(id.to_owned()),
        }
    }
    (numbers, named)
}

async fn fetch_tokens(
    connection: &mut Connection,
    wanted: &MissingRows,
    ids: IdCodec,
    book: &mut Book,
) -> sqlx::Result<()> {
    let mut put = |row: &Row| {
        let found = token(row, ids)?;
        if book.token_row(found.number).is_none() {
            book.put_token(found);
        }
        Ok(())
    };
    let (mut numbers, named) = by_number_or_name(wanted.token_ids.iter().map(|id| id.as_str()), ids);
    TOKEN_IDS.fetch(connection, &named, |query, id| query.bind(id.clone()), &mut put).await?;
    numbers.extend(wanted.tokens.iter().map(|number| number.0));
    TOKENS.fetch(connection, &numbers, |query, number| query.bind(*number), &mut put).await?;
    let accounts: Vec<_> = wanted.tokens_of.iter().map(|account| account.0).collect();
    TOKENS_OF.fetch(connection, &accounts, |query, account| query.bind(*account), &mut put).await?;
    let references: Vec<_> = wanted.tokens_under.iter().cloned().collect();
    let bind = |query: Values, (caller, reference): &(AccountNumber, String)| {
        query.bind(caller.0).bind(reference.clone())
    };
    TOKENS_UNDER.fetch(connection, &references, bind, &mut put).await
}

async fn fetch_instruments(
    connection: &mut Connection,
    wanted: &MissingRows,
    ids: IdCodec,
    book: &mut Book,
) -> sqlx::Result<()> {
    let mut put = |row: &Row| {
        book.put_instrument(instrument(row, ids)?);
        Ok(())
    };
    let (mut numbers, named) = by_number_or_name(wanted.instrument_ids.iter().map(|id| id.as_str()), ids);
    INSTRUMENT_IDS.fetch(connection, &named, |query, id| query.bind(id.clone()), &mut put).await?;
    numbers.extend(wanted.instruments.iter().map(|number| number.0));
    INSTRUMENTS.fetch(connection, &numbers, |query, number| query.bind(*number), &mut put).await
}

async fn fetch_transactions(
    connection: &mut Connection,
    wanted: &MissingRows,
    ids: IdCodec,
    book: &mut Book,
) -> sqlx::Result<()> {
    let mut put = |row: &Row| {
        let found = transaction(row, ids)?;
        if book.transaction_row(found.number).is_none() {
            book.put_transaction(found);
        }
        Ok(())
    };
    let (mut numbers, named) = by_number_or_name(wanted.transaction_ids.iter().map(|id| id.as_str()), ids);
    TRANSACTION_IDS.fetch(connection, &named, |query, id| query.bind(id.clone()), &mut put).await?;
    numbers.extend(wanted.transactions.iter().map(|number| number.0));
    TRANSACTIONS.fetch(connection, &numbers, |query, number| query.bind(*number), &mut put).await?;
    let originals: Vec<_> = wanted.refunds_of.iter().map(|number| number.0).collect();
    REFUNDS.fetch(connection, &originals, |query, number| query.bind(*number), &mut put).await
}

async fn fetch_accounts(
    connection: &mut Connection,
    wanted: &MissingRows,
    book: &mut Book,
) -> sqlx::Result<()> {
    let numbers: Vec<_> = wanted.accounts.iter().map(|number| number.0).collect();
    let put = |row: &Row| {
        book.put_account(account(row)?);
        Ok(())
    };
    ACCOUNTS.fetch(connection, &numbers, |query, number| query.bind(*number), put).await?;
    let addresses: Vec<_> = wanted.accounts_at.iter().cloned().collect();
    let bind = |query: Values, key: &EmailKey| query.bind(key.as_str().to_owned());
    let put = |row: &Row| {
        book.put_account_at(account(row)?);
        Ok(())
    };
    ACCOUNTS_AT.fetch(connection, &addresses, bind, put).await?;
    let secrets: Vec<_> = wanted.secrets.iter().copied().collect();
    let bind = |query: Values, name: &SecretName| query.bind(name.name());
    let put = |row: &Row| {
        let name = columns::secret_name(&row.try_get::<String, _>(0)?)?;
        book.put_secret(name, Secret::new(row.try_get(1)?));
        Ok(())
    };
    SECRETS.fetch(connection, &secrets, bind, put).await
}

async fn fetch_money(connection: &mut Connection, wanted: &MissingRows, book: &mut Book) -> sqlx::Result<()> {
    let accounts: Vec<_> = wanted.totals.iter().copied().collect();
    let put_total = |row: &Row| {
        let kind: String = row.try_get(0)?;
        let account = LedgerAccount { kind: columns::kind(&kind)?, owner: row.try_get(1)? };
        book.put_total(account, Amount::from_micros(row.try_get(2)?));
        Ok(())
    };
    TOTALS
        .fetch(
            connection,
            &accounts,
            |query, account| query.bind(account.kind.name()).bind(account.owner),
            put_total,
        )
        .await?;
    let put_debt = |row: &Row| {
        let (instrument, pay, open) = open_debt(row)?;
        book.put_open_debt(instrument, pay, open);
        Ok(())
    };
    let pays: Vec<_> = wanted.open_debts.iter().map(|(instrument, pay)| (instrument.0, pay.0)).collect();
    OPEN_DEBTS
        .fetch(connection, &pays, |query, (instrument, pay)| query.bind(*instrument).bind(*pay), put_debt)
        .await
}

/// The oldest open debts, as many as are to be cleared: an instrument may have very many.
async fn fetch_oldest_debts(
    connection: &mut Connection,
    wanted: &MissingRows,
    book: &mut Book,
) -> sqlx::Result<()> {
    let mut loaded: BTreeMap<InstrumentNumber, Loaded> = wanted
        .oldest_debts
        .iter()
        .map(|(instrument, wanted)| {
            (*instrument, Loaded { rows: 0, through: wanted.after, sum: Amount::ZERO })
        })
        .collect();
    let mut put = |row: &Row| {
        let (instrument, pay, open) = open_debt(row)?;
        book.put_open_debt(instrument, pay, open);
        let loaded = loaded.get_mut(&instrument).ok_or_else(|| corrupt("open_debts.instrument"))?;
        *loaded = Loaded { rows: loaded.rows + 1, through: pay, sum: loaded.sum.saturating_add(open) };
        Ok(())
    };
    let keys: Vec<_> =
        wanted.oldest_debts.iter().map(|(number, wanted)| (number.0, wanted.after.0)).collect();
    let bind = |query: Values, (instrument, after): &(i64, i64)| query.bind(*instrument).bind(*after);
    OLDEST_DEBTS.fetch(connection, &keys, bind, &mut put).await?;
    for (instrument, wanted) in &wanted.oldest_debts {
        let Some(mut loaded) = loaded.remove(instrument) else { continue };
        let mut is_complete = loaded.rows < FIRST_DEBTS;
        while !is_complete && loaded.sum < wanted.sum {
            let values = Values::default().bind(instrument.0).bind(loaded.through.0).bind(MORE_DEBTS);
            let rows = connection.all(NEXT_DEBTS, values).await?;
            for row in &rows {
                let (_, pay, open) = open_debt(row)?;
                book.put_open_debt(*instrument, pay, open);
                (loaded.through, loaded.sum) = (pay, loaded.sum.saturating_add(open));
            }
            is_complete = rows.len() < usize::try_from(MORE_DEBTS).unwrap_or(usize::MAX);
        }
        let through = if is_complete { TransactionNumber(i64::MAX) } else { loaded.through };
        book.put_oldest_debts(*instrument, through);
    }
    Ok(())
}

/// How many open debts of an instrument were loaded, the last of them, and what they add up to.
#[derive(Clone, Copy)]
struct Loaded {
    rows: usize,
    through: TransactionNumber,
    sum: Amount,
}

fn open_debt(row: &Row) -> sqlx::Result<(InstrumentNumber, TransactionNumber, Amount)> {
    let open = Amount::from_micros(row.try_get(2)?);
    Ok((InstrumentNumber(row.try_get(0)?), TransactionNumber(row.try_get(1)?), open))
}

/// Work that is due up to an instant, the earliest first, at most so many.
pub(super) async fn due(
    connection: &mut Connection,
    until: Timestamp,
    most: i64,
) -> sqlx::Result<Vec<Scheduled>> {
    let rows = connection.all(DUE, Values::default().bind(until.millis()).bind(most)).await?;
    rows.iter()
        .map(|row| {
            let step: String = row.try_get(2)?;
            Ok(Scheduled {
                at: Timestamp::from_millis(row.try_get(0)?),
                transaction: TransactionNumber(row.try_get(1)?),
                step: columns::step(&step)?,
            })
        })
        .collect()
}

/// When the next work is due.
pub(super) async fn next_due(connection: &mut Connection) -> sqlx::Result<Option<Timestamp>> {
    let at: Option<i64> = connection.scalar(NEXT_DUE, Values::default()).await?;
    Ok(at.map(Timestamp::from_millis))
}

fn reference(row: &Row) -> sqlx::Result<(IdempotencyKey, IdempotencyRecord)> {
    let key = IdempotencyKey {
        caller: AccountNumber(row.try_get("caller")?),
        action: row.referenced_action("action")?,
        reference: row.try_get("reference")?,
    };
    let digest: Vec<u8> = row.try_get("digest")?;
    let outcome = match row.try_get::<Option<i64>, _>("transaction_number")? {
        Some(number) => {
            RecordedOutcome::Made { transaction: TransactionNumber(number), status: row.status("status")? }
        }
        None => RecordedOutcome::Refused(row.refusal("error_code", "error_message")?),
    };
    let digest = digest.try_into().map_err(|_| corrupt("caller_references.digest"))?;
    Ok((key, IdempotencyRecord { digest, outcome, expires: Timestamp::from_millis(row.try_get("expires")?) }))
}

pub(super) fn account(row: &Row) -> sqlx::Result<Account> {
    Ok(Account {
        number: AccountNumber(row.try_get("number")?),
        name: row.try_get("name")?,
        email: row.try_get("email")?,
        kind: row.account_kind("kind")?,
        state: row.account_state("state")?,
        marketplace: row.flag("marketplace")?,
        methods: row.methods("methods")?,
        transaction_limit: row.optional_amount("transaction_limit")?,
    })
}

fn validity(row: &Row) -> sqlx::Result<Validity> {
    Ok(Validity { from: row.instant("valid_from")?, until: row.instant("valid_until")? })
}

fn instrument(row: &Row, ids: IdCodec) -> sqlx::Result<Instrument> {
    let number = InstrumentNumber(row.try_get("number")?);
    let named: Option<String> = row.try_get("id")?;
    Ok(Instrument {
        number,
        id: named.map_or_else(|| ids.instrument(number), Into::into),
        kind: row.instrument_kind("kind")?,
        sender: AccountNumber(row.try_get("sender")?),
        recipient: AccountNumber(row.try_get("recipient")?),
        ceiling: row.amount("ceiling")?,
        validity: validity(row)?,
        active: row.flag("active")?,
    })
}

fn token(row: &Row, ids: IdCodec) -> sqlx::Result<Token> {
    let number = TokenNumber(row.try_get("number")?);
    let named: Option<String> = row.try_get("id")?;
    Ok(Token {
        number,
        id: named.map_or_else(|| ids.token(number), Into::into),
        account: AccountNumber(row.try_get("account")?),
        caller: AccountNumber(row.try_get("caller")?),
        purpose: row.purpose("purpose")?,
        token_type: row.token_type("token_type")?,
        active: row.flag("active")?,
        method: row.method("method")?,
        instrument: row.try_get::<Option<i64>, _>("instrument")?.map(InstrumentNumber),
        caller_reference: row.try_get("caller_reference")?,
        friendly_name: row.try_get("friendly_name")?,
        payment_reason: row.try_get("payment_reason")?,
        instruction: row.try_get("instruction")?,
        terms: row.optional_json("terms")?,
        recipients: row.token_ids("recipients")?,
        installed: Timestamp::from_millis(row.try_get("installed")?),
        validity: validity(row)?,
        min_charge: row.optional_amount("min_charge")?,
        max_charge: row.optional_amount("max_charge")?,
        global_limit: row.optional_amount("global_limit")?,
        limits: row.json("limits")?,
        usage: Usage {
            uses: row.try_get("uses")?,
            spent: row.amount("spent")?,
            windows: row.json("windows")?,
        },
    })
}

fn transaction(row: &Row, ids: IdCodec) -> sqlx::Result<Transaction> {
    let number = TransactionNumber(row.try_get("number")?);
    let named: Option<String> = row.try_get("id")?;
    Ok(Transaction {
        number,
        id: named.map_or_else(|| ids.transaction(number), Into::into),
        operation: row.operation("operation")?,
        caller: AccountNumber(row.try_get("caller")?),
        sender: AccountNumber(row.try_get("sender")?),
        recipient: AccountNumber(row.try_get("recipient")?),
        sender_token: row.try_get::<Option<i64>, _>("sender_token")?.map(TokenNumber),
        recipient_token: row.try_get::<Option<i64>, _>("recipient_token")?.map(TokenNumber),
        instrument: row.try_get::<Option<i64>, _>("instrument")?.map(InstrumentNumber),
        method: row.method("method")?,
        amount: row.amount("amount")?,
        charge_fee_to: row.charge_fee_to("charge_fee_to")?,
        descriptions: Descriptions {
            caller_reference: row.try_get("caller_reference")?,
            caller_description: row.try_get("caller_description")?,
            sender_description: row.try_get("sender_description")?,
            descriptor_policy: row.descriptor_policy("descriptor_policy")?,
            ipn_url: row.try_get("ipn_url")?,
        },
        original: row.try_get::<Option<i64>, _>("original")?.map(TransactionNumber),
        refund_policy: row.refund_policy("refund_policy")?,
        received: Timestamp::from_millis(row.try_get("received")?),
        history: History::stored(row.history("history")?, row.instant("completed")?),
        progress: Progress {
            settled: row.optional_amount("settled")?,
            fee: row.amount("fee")?,
            marketplace_fee: row.amount("marketplace_fee")?,
            refunded: row.amount("refunded")?,
            fee_returned: row.amount("fee_returned")?,
            marketplace_fee_returned: row.amount("marketplace_fee_returned")?,
            balances: Balances {
                sender: row.amount("sender_balance")?,
                caller: row.amount("caller_balance")?,
                recipient: row.amount("recipient_balance")?,
            },
            lines: row.try_get("lines")?,
        },
    })
}
