//! Builds a seed's rows: every opening balance and debt is a transaction with postings, made by the ledger.

use std::collections::HashMap;

use rust_decimal::Decimal;
use toml::Spanned;

use crate::error::FpsError;
use crate::ledger::{
    Account, AccountNumber, Amount, Book, Caller, CarryOut, ChargeFeeTo, Command, Context, CreditInstrument,
    DepositFunds, InstrumentNumber, Measure, Numbering, Pay, PaymentMethod, Period, Purpose, Referenced,
    Remarks, Rules, Timestamp, Token, TokenNumber, TokenType, Usage, UsageLimit, Validity, World,
};
use crate::store::{AccessKey, Beginning};

use super::Mistake;
use super::file::{AccountEntry, InstrumentEntry, PaymentEntry, SeedFile, TokenEntry, UsageLimitEntry};

/// The world a seed fills.
const WORLD: World = World(1);
/// Seeded payments that would be pending are carried to their end at once.
const TIMEOUT_MINUTES: i64 = 10_080;

type Built<T> = Result<T, Mistake>;

fn mistake<T>(at: &Spanned<T>, problem: impl Into<String>) -> Mistake {
    Mistake { place: at.span(), problem: problem.into() }
}

/// Collects the rows of a world.
pub(super) struct Builder<'a> {
    now: Timestamp,
    rules: &'a Rules,
    numbering: &'a mut Numbering,
    book: Book,
    keys: Vec<AccessKey>,
    accounts: HashMap<String, AccountNumber>,
    instruments: HashMap<String, InstrumentNumber>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(now: Timestamp, rules: &'a Rules, numbering: &'a mut Numbering) -> Self {
        let (accounts, instruments) = (HashMap::new(), HashMap::new());
        let mut book = Book::default();
        book.add_world(WORLD, "default".to_owned());
        Self { now, rules, numbering, book, keys: Vec::new(), accounts, instruments }
    }

    pub(super) fn build(mut self, file: &SeedFile) -> Built<Beginning> {
        // Numbers begin after the world's own.
        self.numbering.number();
        for entry in &file.account {
            self.account(entry)?;
        }
        for entry in &file.credit_instrument {
            self.instrument(entry)?;
        }
        for entry in &file.token {
            self.token(entry)?;
        }
        for entry in &file.payment {
            self.payment(entry)?;
        }
        Ok(Beginning { book: self.book, keys: self.keys })
    }

    fn account(&mut self, entry: &AccountEntry) -> Built<()> {
        let name = entry.name.get_ref();
        let number = AccountNumber(self.numbering.number());
        if self.accounts.insert(name.clone(), number).is_some() {
            return Err(mistake(&entry.name, format!("there are two accounts `{name}`")));
        }
        self.book.add_account(Account {
            number,
            world: WORLD,
            name: entry.display_name.clone().unwrap_or_else(|| name.clone()),
            email: entry.email.clone(),
            kind: entry.kind,
            state: entry.state,
        });
        let owner = Caller { world: WORLD, account: number };
        for key in &entry.access_key {
            if self.keys.iter().any(|known| known.id == *key.id.get_ref()) {
                return Err(mistake(&key.id, format!("there are two access keys `{}`", key.id.get_ref())));
            }
            self.keys.push(AccessKey::new(key.id.get_ref().clone(), owner, key.secret.clone()));
        }
        let Some(balance) = &entry.balance else { return Ok(()) };
        let remarks = remarks("opening balance", Some(name), None);
        let deposit = DepositFunds { account: owner, amount: amount(balance)?, remarks };
        let (book, mut context) = self.parts();
        deposit.decide(book, &mut context).map_err(|refusal| refused(balance, "balance", &refusal))?;
        Ok(())
    }

    fn instrument(&mut self, entry: &InstrumentEntry) -> Built<()> {
        let id = entry.id.get_ref();
        let number = InstrumentNumber(self.numbering.number());
        if self.instruments.insert(id.clone(), number).is_some() {
            return Err(mistake(&entry.id, format!("there are two credit instruments `{id}`")));
        }
        let instrument = CreditInstrument {
            number,
            world: WORLD,
            id: id.as_str().into(),
            sender: self.account_named(&entry.sender)?,
            recipient: self.account_named(&entry.recipient)?,
            credit_limit: amount(&entry.credit_limit)?,
            validity: validity(entry.valid_from, entry.valid_until),
            active: entry.active,
        };
        self.book.add_instrument(instrument);
        Ok(())
    }

    fn token(&mut self, entry: &TokenEntry) -> Built<()> {
        let id = entry.id.get_ref();
        if self.book.token(WORLD, &id.as_str().into()).is_some() {
            return Err(mistake(&entry.id, format!("there are two tokens `{id}`")));
        }
        let (purpose, instrument) = self.purpose(entry)?;
        let (account, caller) = match instrument.and_then(|number| self.book.instrument_row(number)) {
            Some(instrument) => (instrument.sender, instrument.recipient),
            None => (self.party(entry, "sender")?, self.party(entry, "caller")?),
        };
        let token = Token {
            number: TokenNumber(self.numbering.number()),
            world: WORLD,
            id: id.as_str().into(),
            account,
            caller,
            purpose,
            token_type: token_type(entry)?,
            active: entry.active,
            method: method(entry, purpose)?,
            credit_instrument: instrument,
            caller_reference: entry.caller_reference.clone().unwrap_or_else(|| id.clone()),
            friendly_name: entry.friendly_name.clone().unwrap_or_else(|| id.clone()),
            installed: self.now,
            validity: validity(entry.valid_from, entry.valid_until),
            min_charge: entry.min_charge.as_ref().map(amount).transpose()?,
            max_charge: entry.max_charge.as_ref().map(amount).transpose()?,
            global_limit: entry.global_amount_limit.as_ref().map(amount).transpose()?,
            limits: entry.usage_limit.iter().map(|limit| usage_limit(entry, limit)).collect::<Built<_>>()?,
            usage: Usage::default(),
        };
        self.book.add_token(token);
        Ok(())
    }

    fn purpose(&self, entry: &TokenEntry) -> Built<(Purpose, Option<InstrumentNumber>)> {
        let (purpose, instrument) = match (&entry.charges, &entry.settles) {
            (None, None) => return Ok((Purpose::Payment, None)),
            (Some(instrument), None) => (Purpose::Credit, instrument),
            (None, Some(instrument)) => (Purpose::Settlement, instrument),
            (Some(_), Some(both)) => {
                return Err(mistake(both, "a token either `charges` or `settles` an instrument"));
            }
        };
        let known = self.instruments.get(instrument.get_ref()).copied();
        let known = known.ok_or_else(|| {
            mistake(instrument, format!("there is no credit instrument `{}`", instrument.get_ref()))
        })?;
        Ok((purpose, Some(known)))
    }

    fn party(&self, entry: &TokenEntry, role: &str) -> Built<AccountNumber> {
        let name = if role == "sender" { &entry.sender } else { &entry.caller };
        let name = name.as_ref().ok_or_else(|| {
            mistake(
                &entry.id,
                format!("the token needs a `{role}`, or an instrument that it `charges` or `settles`"),
            )
        })?;
        self.account_named(name)
    }

    fn account_named(&self, name: &Spanned<String>) -> Built<AccountNumber> {
        let known = self.accounts.get(name.get_ref()).copied();
        known.ok_or_else(|| mistake(name, format!("there is no account `{}`", name.get_ref())))
    }

    fn payment(&mut self, entry: &PaymentEntry) -> Built<()> {
        let token = self.book.token(WORLD, &entry.token.get_ref().as_str().into());
        let token = token
            .ok_or_else(|| mistake(&entry.token, format!("there is no token `{}`", entry.token.get_ref())))?;
        let caller = Caller { world: WORLD, account: token.caller };
        let fallback = entry.id.as_ref().unwrap_or(&entry.token).get_ref();
        let mut remarks = remarks("seeded payment", Some(fallback), entry.caller_reference.as_ref());
        remarks.caller_description.clone_from(&entry.caller_description);
        let pay = Pay {
            caller,
            sender_token: token.id.clone(),
            amount: amount(&entry.amount)?,
            charge_fee_to: ChargeFeeTo::Recipient,
            remarks,
            timeout_minutes: TIMEOUT_MINUTES,
            marketplace: false,
        };
        let (book, mut context) = self.parts();
        let number = Referenced::decide(&pay, book, &mut context)
            .map_err(|refusal| refused(&entry.token, "payment", &refusal))?;
        if let Some(id) = &entry.id {
            if book.transaction(WORLD, &id.get_ref().as_str().into()).is_some() {
                return Err(mistake(id, format!("there are two payments `{}`", id.get_ref())));
            }
            book.rename_transaction(number, id.get_ref().as_str().into());
        }
        for due in book.changes().due.clone() {
            CarryOut(due)
                .decide(book, &mut context)
                .map_err(|refusal| refused(&entry.token, "payment", &refusal))?;
        }
        Ok(())
    }

    fn parts(&mut self) -> (&mut Book, Context<'_>) {
        (&mut self.book, Context { now: self.now, rules: self.rules, numbering: self.numbering })
    }
}

fn remarks(what: &str, whose: Option<&String>, reference: Option<&String>) -> Remarks {
    let made = || format!("{what} {}", whose.map_or("", String::as_str));
    Remarks { caller_reference: reference.cloned().unwrap_or_else(made), ..Remarks::default() }
}

fn refused<T>(at: &Spanned<T>, what: &str, refusal: &FpsError) -> Mistake {
    mistake(at, format!("the {what} is refused: {refusal}"))
}

fn amount(dollars: &Spanned<Decimal>) -> Built<Amount> {
    let cents = dollars.get_ref().normalize().scale() <= 2;
    let amount = Amount::from_decimal(*dollars.get_ref()).filter(|amount| cents && amount.is_positive());
    amount
        .filter(|amount| *amount < Amount::HUGE)
        .ok_or_else(|| mistake(dollars, "an amount must be dollars above zero with at most two decimals"))
}

fn validity(
    from: Option<chrono::DateTime<chrono::Utc>>,
    until: Option<chrono::DateTime<chrono::Utc>>,
) -> Validity {
    Validity { from: from.map(Into::into), until: until.map(Into::into) }
}

fn token_type(entry: &TokenEntry) -> Built<TokenType> {
    let Some(name) = &entry.token_type else { return Ok(TokenType::MultiUse) };
    TokenType::named(name.get_ref()).ok_or_else(|| {
        let known: Vec<_> = TokenType::ALL.iter().map(|known| known.name()).collect();
        mistake(name, format!("`{}` is no token type; use one of {}", name.get_ref(), known.join(", ")))
    })
}

fn method(entry: &TokenEntry, purpose: Purpose) -> Built<PaymentMethod> {
    let Some(name) = &entry.method else {
        let problem = "the token needs a `method`: ABT, CC or ACH";
        return if purpose == Purpose::Credit {
            Ok(PaymentMethod::Debt)
        } else {
            Err(mistake(&entry.id, problem))
        };
    };
    if purpose == Purpose::Credit {
        return Err(mistake(name, "a token that charges an instrument pays by Debt; leave `method` out"));
    }
    PaymentMethod::named(name.get_ref()).filter(|method| *method != PaymentMethod::Debt).ok_or_else(|| {
        mistake(name, format!("`{}` is no payment method; use ABT, CC or ACH", name.get_ref()))
    })
}

fn usage_limit(token: &TokenEntry, entry: &UsageLimitEntry) -> Built<UsageLimit> {
    let period = entry.period.as_ref().map(|text| {
        Period::parse(text.get_ref()).ok_or_else(|| {
            mistake(
                text,
                format!("`{}` is no period; write for example `1 Day` or `6 Months`", text.get_ref()),
            )
        })
    });
    let (measure, allowed) = match (&entry.amount, &entry.count) {
        (Some(dollars), None) => (Measure::Amount, amount(dollars)?.micros()),
        (None, Some(count)) if *count.get_ref() > 0 => (Measure::Count, *count.get_ref()),
        _ => {
            return Err(mistake(&token.id, "a usage limit needs either an `amount` or a `count` above zero"));
        }
    };
    Ok(UsageLimit { measure, allowed, period: period.transpose()? })
}
