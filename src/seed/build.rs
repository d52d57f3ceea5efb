//! Builds a seed's rows: every opening balance and debt is a transaction with postings, made by the ledger.

use std::collections::HashMap;

use rust_decimal::Decimal;
use toml::Spanned;

use crate::error::FpsError;
use crate::ledger::{
    Account, AccountKind, AccountNumber, Amount, Book, CbuiStatus, Command, Context, DepositFunds,
    Descriptions, FundPrepaid, IdAllocator, IdempotentOperation, Instrument, InstrumentKind,
    InstrumentNumber, MarketplaceFee, Pay, Payment, PaymentMethod, Period, Purpose, RecipientTerms, Rules,
    RunScheduled, SettleDebt, Subscription, SubscriptionStatus, SubscriptionTerms, Timestamp, Token, TokenId,
    TokenNumber, TokenType, TransactionNumber, Usage, UsageLimit, UsageMeasure, Validity,
};
use crate::store::{CobrandedSettings, DeveloperStatus, InitialState, NewAccessKey};

use super::Mistake;
use super::file::{
    AccountEntry, InstrumentEntry, PaymentEntry, PrepaidEntry, SeedFile, SubscriptionEntry, TokenEntry,
    UsageLimitEntry,
};

/// Seeded payments that would be pending are carried to their end at once.
const TIMEOUT_MINUTES: i64 = 10_080;

type Built<T> = Result<T, Mistake>;

fn mistake<T>(at: &Spanned<T>, problem: impl Into<String>) -> Mistake {
    Mistake { place: at.span(), problem: problem.into() }
}

/// Collects the rows of a world.
pub(super) struct Builder<'a> {
    now: Timestamp,
    /// When the first seeded transaction was received: each takes a millisecond of its own, the last one before now.
    opening: Timestamp,
    rules: &'a Rules,
    numbering: &'a mut IdAllocator,
    book: Book,
    keys: Vec<NewAccessKey>,
    accounts: HashMap<String, AccountNumber>,
    instruments: HashMap<String, InstrumentNumber>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(now: Timestamp, rules: &'a Rules, numbering: &'a mut IdAllocator) -> Self {
        let (accounts, instruments) = (HashMap::new(), HashMap::new());
        let book = Book::default();
        Self { now, opening: now, rules, numbering, book, keys: Vec::new(), accounts, instruments }
    }

    pub(super) fn build(mut self, file: &SeedFile) -> Built<InitialState> {
        let made = file.account.iter().filter(|entry| entry.balance.is_some()).count() + file.payment.len();
        self.opening = self.now.plus_millis(-i64::try_from(made).unwrap_or(0));
        for entry in &file.account {
            self.account(entry)?;
        }
        for entry in &file.credit_instrument {
            self.credit_instrument(entry)?;
        }
        for entry in &file.prepaid_instrument {
            self.prepaid_instrument(entry)?;
        }
        for entry in &file.token {
            self.token(entry)?;
        }
        for entry in &file.payment {
            self.payment(entry)?;
        }
        for entry in &file.subscription {
            self.subscription(entry)?;
        }
        Ok(InitialState { book: self.book, keys: self.keys })
    }

    fn account(&mut self, entry: &AccountEntry) -> Built<()> {
        let name = entry.name.get_ref();
        let number = AccountNumber(self.numbering.next_number());
        if self.accounts.insert(name.clone(), number).is_some() {
            return Err(mistake(&entry.name, format!("there are two accounts `{name}`")));
        }
        let email = entry.email.get_ref();
        if self.book.account_at(email).is_some() {
            return Err(mistake(&entry.email, format!("there are two accounts with the address `{email}`")));
        }
        self.book.add_account(Account {
            number,
            name: entry.display_name.clone().unwrap_or_else(|| name.clone()),
            email: email.clone(),
            kind: entry.kind,
            state: entry.state,
            marketplace: entry.marketplace.unwrap_or(entry.kind == AccountKind::Business),
            methods: methods(entry)?,
            transaction_limit: entry.transaction_limit.as_ref().map(amount).transpose()?,
        });
        let cobranded = cobranded_settings(entry)?;
        let owner = number;
        for key in &entry.access_key {
            if self.keys.iter().any(|known| known.id == *key.id.get_ref()) {
                return Err(mistake(&key.id, format!("there are two access keys `{}`", key.id.get_ref())));
            }
            self.keys.push(NewAccessKey {
                id: key.id.get_ref().clone(),
                owner,
                secret: key.secret.clone(),
                developer_status: developer_status(entry),
                cobranded,
            });
        }
        let Some(balance) = &entry.balance else { return Ok(()) };
        let descriptions = descriptions("opening balance", Some(name), None);
        let deposit = DepositFunds { account: owner, amount: amount(balance)?, descriptions };
        let (book, mut context) = self.parts();
        deposit.decide(book, &mut context).map_err(|refusal| refused(balance, "balance", &refusal))?;
        Ok(())
    }

    fn credit_instrument(&mut self, entry: &InstrumentEntry) -> Built<()> {
        self.add_instrument(
            &entry.id,
            [&entry.sender, &entry.recipient],
            InstrumentKind::Credit,
            amount(&entry.credit_limit)?,
            validity(entry.valid_from, entry.valid_until),
            entry.active,
        )
    }

    fn prepaid_instrument(&mut self, entry: &PrepaidEntry) -> Built<()> {
        self.add_instrument(
            &entry.id,
            [&entry.sender, &entry.recipient],
            InstrumentKind::Prepaid,
            amount(&entry.recharge_limit)?,
            validity(entry.valid_from, entry.valid_until),
            entry.active,
        )
    }

    fn add_instrument(
        &mut self,
        id: &Spanned<String>,
        parties: [&Spanned<String>; 2],
        kind: InstrumentKind,
        ceiling: Amount,
        validity: Validity,
        active: bool,
    ) -> Built<()> {
        self.own_id(id)?;
        let number = InstrumentNumber(self.numbering.next_number());
        if self.instruments.insert(id.get_ref().clone(), number).is_some() {
            return Err(mistake(id, format!("there are two instruments `{}`", id.get_ref())));
        }
        let [sender, recipient] = parties;
        self.book.add_instrument(Instrument {
            number,
            id: id.get_ref().as_str().into(),
            kind,
            sender: self.account_named(sender)?,
            recipient: self.account_named(recipient)?,
            ceiling,
            validity,
            active,
        });
        Ok(())
    }

    fn token(&mut self, entry: &TokenEntry) -> Built<()> {
        self.own_id(&entry.id)?;
        let id = entry.id.get_ref();
        if self.book.token(&id.as_str().into()).is_some() {
            return Err(mistake(&entry.id, format!("there are two tokens `{id}`")));
        }
        let (purpose, instrument) = self.purpose(entry)?;
        let (account, caller) = self.parties(entry, instrument)?;
        let token_type = token_type(entry)?;
        let validity = validity(entry.valid_from, entry.valid_until);
        let kept = token_type.validity(self.now);
        let token = Token {
            number: TokenNumber(self.numbering.next_number()),
            id: id.as_str().into(),
            account,
            caller,
            purpose,
            token_type,
            active: entry.active,
            method: method(entry, purpose)?,
            instrument,
            caller_reference: entry.caller_reference.clone().unwrap_or_else(|| id.clone()),
            friendly_name: entry.friendly_name.clone().unwrap_or_else(|| id.clone()),
            payment_reason: None,
            instruction: None,
            terms: recipient_terms(entry)?,
            recipients: self.recipients(entry)?,
            installed: self.now,
            validity: Validity { until: validity.until.or(kept.until), ..validity },
            min_charge: entry.min_charge.as_ref().map(amount).transpose()?,
            max_charge: entry.max_charge.as_ref().map(amount).transpose()?,
            global_limit: entry.global_amount_limit.as_ref().map(amount).transpose()?,
            limits: entry.usage_limit.iter().map(|limit| usage_limit(entry, limit)).collect::<Built<_>>()?,
            usage: Usage::default(),
        };
        self.book.add_token(token);
        Ok(())
    }

    /// Ids that the sandbox makes itself lead to rows by their numbers: a seed file cannot give them away.
    fn own_id(&self, id: &Spanned<String>) -> Built<()> {
        if self.numbering.codec().number_in(id.get_ref()).is_some() { Err(made_id(id)) } else { Ok(()) }
    }

    fn purpose(&self, entry: &TokenEntry) -> Built<(Purpose, Option<InstrumentNumber>)> {
        if entry.recipient.is_some() {
            return Ok((Purpose::Recipient, None));
        }
        let wanted = [
            entry.charges.as_ref().map(|id| (id, None)),
            entry.settles.as_ref().map(|id| (id, Some((InstrumentKind::Credit, Purpose::Settlement)))),
            entry.funds.as_ref().map(|id| (id, Some((InstrumentKind::Prepaid, Purpose::Funding)))),
        ];
        let mut wanted = wanted.into_iter().flatten();
        let Some((id, use_of)) = wanted.next() else { return Ok((Purpose::Payment, None)) };
        if let Some((second, _)) = wanted.next() {
            return Err(mistake(second, "a token either `charges`, `settles` or `funds` an instrument"));
        }
        let known = self.instruments.get(id.get_ref()).and_then(|number| self.book.instrument_row(*number));
        let known = known.ok_or_else(|| mistake(id, format!("there is no instrument `{}`", id.get_ref())))?;
        let purpose = match (use_of, known.kind) {
            (None, InstrumentKind::Credit) => Purpose::Credit,
            (None, InstrumentKind::Prepaid) => Purpose::Prepaid,
            (Some((kind, purpose)), found) if kind == found => purpose,
            _ => {
                let text =
                    "a token settles credit instruments and funds prepaid ones, not the other way round";
                return Err(mistake(id, text));
            }
        };
        Ok((purpose, Some(known.number)))
    }

    fn recipients(&self, entry: &TokenEntry) -> Built<Vec<TokenId>> {
        let known = |id: &Spanned<String>| {
            let named = TokenId::from(id.get_ref().as_str());
            let receives = self.book.token(&named).is_some_and(|token| token.purpose == Purpose::Recipient);
            let text = || format!("there is no recipient token `{named}` above this one");
            if receives { Ok(named.clone()) } else { Err(mistake(id, text())) }
        };
        entry.recipients.iter().map(known).collect()
    }

    /// Owner and caller: those of the instrument, or as the entry says.
    fn parties(
        &self,
        entry: &TokenEntry,
        instrument: Option<InstrumentNumber>,
    ) -> Built<(AccountNumber, AccountNumber)> {
        if let Some(instrument) = instrument.and_then(|number| self.book.instrument_row(number)) {
            return Ok((instrument.sender, instrument.recipient));
        }
        let owner = entry.recipient.as_ref().or(entry.sender.as_ref());
        Ok((self.party(entry, "sender", owner)?, self.party(entry, "caller", entry.caller.as_ref())?))
    }

    fn party(&self, entry: &TokenEntry, role: &str, name: Option<&Spanned<String>>) -> Built<AccountNumber> {
        let name = name.ok_or_else(|| {
            mistake(
                &entry.id,
                format!(
                    "the token needs a `{role}`, or an instrument that it `charges`, `settles` or `funds`"
                ),
            )
        })?;
        self.account_named(name)
    }

    fn account_named(&self, name: &Spanned<String>) -> Built<AccountNumber> {
        let known = self.accounts.get(name.get_ref()).copied();
        known.ok_or_else(|| mistake(name, format!("there is no account `{}`", name.get_ref())))
    }

    fn payment(&mut self, entry: &PaymentEntry) -> Built<()> {
        let id = entry.token.get_ref();
        let token = self.book.token(&id.as_str().into()).cloned();
        let token = token.ok_or_else(|| mistake(&entry.token, format!("there is no token `{id}`")))?;
        let (book, mut context) = self.parts();
        let made = make_payment(entry, &token, book, &mut context)?;
        let number = made.map_err(|refusal| refused(&entry.token, "payment", &refusal))?;
        if let Some(id) = &entry.id {
            if context.ids.codec().number_in(id.get_ref()).is_some() {
                return Err(made_id(id));
            }
            if book.transaction(&id.get_ref().as_str().into()).is_some() {
                return Err(mistake(id, format!("there are two payments `{}`", id.get_ref())));
            }
            book.rename_transaction(number, id.get_ref().as_str().into());
        }
        let due: Vec<_> = book.changes().due.values().copied().flatten().collect();
        for due in due {
            RunScheduled(due)
                .decide(book, &mut context)
                .map_err(|refusal| refused(&entry.token, "payment", &refusal))?;
        }
        Ok(())
    }

    fn subscription(&mut self, entry: &SubscriptionEntry) -> Built<()> {
        let id = entry.id.get_ref().as_str().into();
        if self.book.subscription(&id).is_some() {
            return Err(mistake(&entry.id, format!("there are two subscriptions `{id}`")));
        }
        let payment = |name: &Spanned<String>| {
            let found = self.book.transaction(&name.get_ref().as_str().into());
            let found =
                found.ok_or_else(|| mistake(name, format!("there is no payment `{}`", name.get_ref())))?;
            Ok(found.number)
        };
        let millis = |instant: Option<chrono::DateTime<chrono::Utc>>| instant.map(|at| at.timestamp_millis());
        let terms = SubscriptionTerms {
            description: entry.description.clone(),
            amount: amount(&entry.amount)?,
            promotional_amount: entry.promotional_amount.as_ref().map(amount).transpose()?,
            promotional_transactions: entry.promotional_transactions,
            start: millis(entry.start).unwrap_or_else(|| self.now.millis()),
            end: millis(entry.end),
            length: entry.length.as_ref().map(period).transpose()?,
            frequency: period(&entry.frequency)?,
            next: millis(entry.next),
        };
        let subscription = Subscription {
            sender: self.account_named(&entry.sender)?,
            recipient: self.account_named(&entry.recipient)?,
            status: subscription_status(entry)?,
            terms,
            transactions: entry.payments.iter().map(payment).collect::<Built<_>>()?,
            id,
        };
        self.book.add_subscription(subscription);
        Ok(())
    }

    fn parts(&mut self) -> (&mut Book, Context<'_>) {
        (
            &mut self.book,
            Context { now: self.opening, clock_stands: true, rules: self.rules, ids: self.numbering },
        )
    }
}

fn made_id(id: &Spanned<String>) -> Mistake {
    mistake(id, format!("the sandbox gives the id `{}` to a row of its own; give another", id.get_ref()))
}

/// A payment by what its token is for: debt settled, an instrument funded, or simply paid.
fn make_payment(
    entry: &PaymentEntry,
    token: &Token,
    book: &mut Book,
    context: &mut Context<'_>,
) -> Built<Result<TransactionNumber, FpsError>> {
    let caller = token.caller;
    let name = entry.id.as_ref().unwrap_or(&entry.token).get_ref();
    let mut descriptions = descriptions("seeded payment", Some(name), entry.caller_reference.as_ref());
    descriptions.caller_description.clone_from(&entry.caller_description);
    let (amount, sender_token, timeout_minutes) = (amount(&entry.amount)?, token.id.clone(), TIMEOUT_MINUTES);
    let instrument =
        token.instrument.and_then(|number| book.instrument_row(number)).map(|found| found.id.clone());
    Ok(match (token.purpose, instrument) {
        (Purpose::Settlement, Some(instrument)) => {
            let settle = SettleDebt {
                caller,
                sender_token,
                instrument,
                amount: Some(amount),
                descriptions,
                timeout_minutes,
            };
            settle.decide(book, context)
        }
        (Purpose::Funding, Some(instrument)) => {
            FundPrepaid { caller, sender_token, instrument, amount, descriptions, timeout_minutes }
                .decide(book, context)
        }
        _ => Pay(Payment {
            caller,
            sender_token,
            recipient_token: None,
            amount,
            charge_fee_to: None,
            marketplace_fee: MarketplaceFee::default(),
            descriptions,
            timeout_minutes,
        })
        .decide(book, context),
    })
}

fn descriptions(what: &str, whose: Option<&String>, reference: Option<&String>) -> Descriptions {
    let made = || format!("{what} {}", whose.map_or("", String::as_str));
    Descriptions { caller_reference: reference.cloned().unwrap_or_else(made), ..Descriptions::default() }
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
    let implied = match purpose {
        Purpose::Credit => Some(PaymentMethod::Debt),
        Purpose::Prepaid => Some(PaymentMethod::Prepaid),
        Purpose::Recipient => Some(PaymentMethod::ABT),
        Purpose::Payment | Purpose::Settlement | Purpose::Funding | Purpose::Refund | Purpose::Installed => {
            None
        }
    };
    let name = match (&entry.method, implied) {
        (None, Some(implied)) => return Ok(implied),
        (None, None) => return Err(mistake(&entry.id, "the token needs a `method`: ABT, CC or ACH")),
        (Some(name), Some(_)) => {
            let text = "a token that charges an instrument pays by that, and a recipient token does not pay; leave `method` out";
            return Err(mistake(name, text));
        }
        (Some(name), None) => name,
    };
    real_method(name)
}

fn real_method(name: &Spanned<String>) -> Built<PaymentMethod> {
    let method = Account::METHODS.into_iter().find(|method| method.name() == name.get_ref());
    method.ok_or_else(|| {
        mistake(name, format!("`{}` is no payment method; use ABT, CC or ACH", name.get_ref()))
    })
}

fn methods(entry: &AccountEntry) -> Built<Vec<PaymentMethod>> {
    match &entry.methods {
        None => Ok(Account::METHODS.into()),
        Some(names) => names.iter().map(real_method).collect(),
    }
}

fn developer_status(entry: &AccountEntry) -> DeveloperStatus {
    match (entry.signed_up, entry.developer) {
        (false, _) => DeveloperStatus::NotSignedUp,
        (true, false) => DeveloperStatus::NotDeveloper,
        (true, true) => DeveloperStatus::Developer,
    }
}

fn cobranded_settings(entry: &AccountEntry) -> Built<CobrandedSettings> {
    let ending = entry.cobranded_ending.as_ref().map(|name| {
        CbuiStatus::named(name.get_ref()).ok_or_else(|| {
            let known: Vec<_> = CbuiStatus::ALL.iter().map(|known| known.name()).collect();
            mistake(name, format!("`{}` is no ending; use one of {}", name.get_ref(), known.join(", ")))
        })
    });
    let version = match &entry.return_signature {
        Some(version) if ![1, 2].contains(version.get_ref()) => {
            return Err(mistake(version, "return URLs are signed by version 2 or 1"));
        }
        version => version.as_ref().map_or(2, |version| *version.get_ref()),
    };
    Ok(CobrandedSettings { preset_status: ending.transpose()?, uses_signature_version_1: version == 1 })
}

fn usage_limit(token: &TokenEntry, entry: &UsageLimitEntry) -> Built<UsageLimit> {
    let (measure, allowed) = match (&entry.amount, &entry.count) {
        (Some(dollars), None) => (UsageMeasure::Amount, amount(dollars)?.micros()),
        (None, Some(count)) if *count.get_ref() > 0 => (UsageMeasure::Count, *count.get_ref()),
        _ => {
            return Err(mistake(&token.id, "a usage limit needs either an `amount` or a `count` above zero"));
        }
    };
    Ok(UsageLimit { measure, allowed, period: entry.period.as_ref().map(period).transpose()? })
}

fn period(text: &Spanned<String>) -> Built<Period> {
    Period::parse(text.get_ref()).ok_or_else(|| {
        mistake(text, format!("`{}` is no period; write for example `1 Day` or `6 Months`", text.get_ref()))
    })
}

fn recipient_terms(entry: &TokenEntry) -> Built<Option<RecipientTerms>> {
    if entry.recipient.is_none() {
        return Ok(None);
    }
    let percent = |value: &Spanned<Decimal>| {
        let fits = (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(value.get_ref());
        if fits { Ok(*value.get_ref()) } else { Err(mistake(value, "per cent lie between 0 and 100")) }
    };
    let dollars = |value: &Spanned<Decimal>| {
        if value.get_ref().is_zero() { Ok(Amount::ZERO) } else { amount(value) }
    };
    Ok(Some(RecipientTerms {
        recipient_pays_fee: entry.recipient_pays_fee.unwrap_or(true),
        max_fixed_fee: entry.max_fixed_fee.as_ref().map(dollars).transpose()?,
        max_variable_fee: entry.max_variable_fee.as_ref().map(percent).transpose()?,
    }))
}

fn subscription_status(entry: &SubscriptionEntry) -> Built<SubscriptionStatus> {
    let Some(name) = &entry.status else { return Ok(SubscriptionStatus::Active) };
    SubscriptionStatus::named(name.get_ref())
        .ok_or_else(|| mistake(name, "a subscription is Active, Cancelled or Completed"))
}
