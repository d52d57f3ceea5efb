//! The seven pipelines: the parameters of each, what it asks for, and what its return URL names.

use crate::ledger::{
    Account, AccountNumber, Amount, ChargeRange, Credit, PaymentMethod, Payments, Proposal, RecipientTerms,
    Timestamp, TokenRequest, TokenType, UsageLimit, UsageMeasure, Validity,
};
use crate::service::actions::{Behaviour, documented, observed, our_choice};

use super::fields::Fields;
use super::start::Start;

/// A pipeline as data.
pub(super) struct Pipeline {
    /// Its name on the wire.
    pub(super) name: &'static str,
    /// What it is for, in one sentence.
    pub(super) summary: &'static str,
    /// Its parameters, in groups that pipelines share.
    groups: &'static [&'static [Parameter]],
    /// What its return URL calls the instrument made.
    pub(super) instrument: Option<&'static str>,
    /// What its return URL calls the tokens made.
    pub(super) tokens: &'static [&'static str],
    /// What is known of its behaviour, and from where.
    pub(super) fidelity: &'static [Behaviour],
    read: fn(&mut Fields<'_>) -> TokenRequest,
}

/// A parameter of a start URL.
pub(super) struct Parameter {
    /// Its name; case does not matter.
    pub(super) name: &'static str,
    /// Whether it must be there.
    pub(super) required: bool,
    /// What its value has to be.
    pub(super) value: &'static str,
    /// What it is for.
    pub(super) purpose: &'static str,
}

const fn required(name: &'static str, value: &'static str, purpose: &'static str) -> Parameter {
    Parameter { name, required: true, value, purpose }
}

const fn optional(name: &'static str, value: &'static str, purpose: &'static str) -> Parameter {
    Parameter { name, required: false, value, purpose }
}

/// How long a multi-use token is good for that has no end of its own (guide of 2007).
const YEAR_MILLIS: i64 = 365 * 24 * 60 * 60 * 1000;

const REFERENCE: &str = "text, at most 128 bytes, not used before";
const DOLLARS: &str = "dollars above zero, at most two decimals";
const FLAG: &str = "True or False";
const PERIOD: &str = "such as `1 Day` or `6 Months`";
const SECONDS: &str = "seconds since 1970";

/// Parameters of every pipeline.
pub(super) const COMMON: &[Parameter] = &[
    required("callerKey", "access key", "Who asks; `accessKey` is its older name."),
    required("pipelineName", "a pipeline", "What for."),
    required(
        "returnURL",
        "absolute URL of http or https",
        "Where the visitor goes when all is done; its own query is kept.",
    ),
    optional("version", "date", "`2009-01-09`."),
    optional("signatureVersion", "2 or 1", "Which rules the URL is signed by."),
    optional("signatureMethod", "HmacSHA256 or HmacSHA1", "The hash of version 2."),
    optional("signature", "base64", "The signature; `awsSignature` is its older name."),
    optional("cobrandingStyle", "logo or banner", "How the merchant's image is shown."),
    optional("cobrandingUrl", "URL of https, else it is not shown", "The merchant's image."),
    optional("websiteDescription", "text", "Shown on the pages."),
];
const PAYMENT: &[Parameter] = &[
    optional("paymentMethod", "list of CC, ACH, ABT", "How the visitor may pay; all three by default."),
    optional("currencyCode", "USD", "The only currency there is."),
    optional(
        "paymentReason",
        "text, at most 2048 bytes, with b i u ul li br em strong strike",
        "What is paid for.",
    ),
    optional("collectShippingAddress", FLAG, "Asks the visitor for an address and returns it."),
    optional("addressName", "text", "An address to show."),
    optional("addressLine1", "text", ""),
    optional("addressLine2", "text", ""),
    optional("city", "text", ""),
    optional("state", "text", ""),
    optional("zip", "text", ""),
    optional("phoneNumber", "text", ""),
];
/// What an amount is made of: shown, and not added up (no source says that it was).
const ORDER: &[Parameter] = &[
    optional("itemTotal", "dollars", "Of the amount: the goods. Shown."),
    optional("shipping", "dollars", "Of the amount: shipping. Shown."),
    optional("handling", "dollars", "Of the amount: handling. Shown."),
    optional("giftWrapping", "dollars", "Of the amount: gift wrapping. Shown."),
    optional("tax", "dollars", "Of the amount: tax. Shown."),
    optional("discount", "dollars", "Taken off the amount. Shown."),
    optional("collectEmailAddress", FLAG, "Without effect."),
    optional("disableGuest", FLAG, "Without effect: there are no guests."),
];
const VALIDITY: &[Parameter] = &[
    optional(
        "validityStart",
        SECONDS,
        "From when; at most a year ahead, and (our choice) a day back. Now by default.",
    ),
    optional("validityExpiry", SECONDS, "Until when."),
];
const LIMITS: &[Parameter] = &[
    optional("usageLimitType1", "Amount or Count", "A limit on use."),
    optional("usageLimitValue1", "dollars or a number", "How much."),
    optional("usageLimitPeriod1", PERIOD, "In which time; without one, for the life of the token."),
    optional("usageLimitType2", "Amount or Count", "A second limit."),
    optional("usageLimitValue2", "dollars or a number", ""),
    optional("usageLimitPeriod2", PERIOD, ""),
];
const ONE_REFERENCE: &[Parameter] =
    &[required("callerReference", REFERENCE, "The merchant's own name for the token.")];
const CHARGES: &[Parameter] = &[
    optional("transactionAmount", DOLLARS, "What one charge has to be, see amountType."),
    optional("amountType", "Exact, Maximum or Minimum", "How transactionAmount is meant. Exact by default."),
];

/// Every pipeline.
pub(super) static PIPELINES: &[Pipeline] = &[
    Pipeline {
        name: "SingleUse",
        summary: "One payment.",
        groups: &[
            COMMON,
            ONE_REFERENCE,
            &[
                required("transactionAmount", DOLLARS, "The most that may be paid."),
                optional("recipientToken", "token id", "The only recipient, in a marketplace."),
                optional("reserve", FLAG, "The payment is to be reserved first, so it is by credit card."),
            ],
            ORDER,
            PAYMENT,
        ],
        instrument: None,
        tokens: &["tokenID"],
        fidelity: &[
            documented("The token is good for three hours."),
            our_choice("A charge may be below transactionAmount; above it is TokenUsageError."),
            our_choice("itemTotal, shipping, tax and the like are shown and not added up."),
        ],
        read: |fields| {
            TokenRequest::Payments(Payments {
                reference: fields.reference("callerReference"),
                token_type: TokenType::SingleUse,
                charges: ChargeRange::default(),
                global_limit: fields.dollars("transactionAmount"),
                limits: Vec::new(),
                recipients: fields.token("recipientToken").into_iter().collect(),
                reserves: fields.flag("reserve") == Some(true),
            })
        },
    },
    Pipeline {
        name: "MultiUse",
        summary: "Several payments, within limits.",
        groups: &[
            COMMON,
            ONE_REFERENCE,
            &[
                required("globalAmountLimit", DOLLARS, "The most that may be paid in all."),
                optional(
                    "recipientTokenList",
                    "token ids with commas",
                    "The only recipients, in a marketplace.",
                ),
                optional("disableGuest", FLAG, "Without effect: there are no guests."),
                optional("isRecipientCobranding", FLAG, "Needs recipientTokenList."),
            ],
            CHARGES,
            LIMITS,
            VALIDITY,
            PAYMENT,
        ],
        instrument: None,
        tokens: &["tokenID"],
        fidelity: &[
            documented("Without validityExpiry the token is good for a year."),
            our_choice(
                "A charge against amountType is IncompatibleTokens, one above any limit TokenUsageError.",
            ),
        ],
        read: |fields| {
            let recipients = fields.tokens("recipientTokenList");
            if fields.flag("isRecipientCobranding") == Some(true) && recipients.is_empty() {
                fields.note("recipientTokenList");
            }
            TokenRequest::Payments(Payments {
                reference: fields.reference("callerReference"),
                token_type: TokenType::MultiUse,
                charges: fields.charges(),
                global_limit: fields.dollars("globalAmountLimit"),
                limits: fields.limits(),
                recipients,
                reserves: false,
            })
        },
    },
    Pipeline {
        name: "Recurring",
        summary: "One payment a period.",
        groups: &[
            COMMON,
            ONE_REFERENCE,
            &[
                required("transactionAmount", DOLLARS, "The most that may be paid in a period."),
                required("recurringPeriod", PERIOD, "How often is paid."),
                optional("recipientToken", "token id", "The only recipient, in a marketplace."),
                optional("isRecipientCobranding", FLAG, "Needs recipientToken."),
            ],
            VALIDITY,
            PAYMENT,
        ],
        instrument: None,
        tokens: &["tokenID"],
        fidelity: &[our_choice(
            "One payment and transactionAmount in each period, counted from the validity's start; more is TokenUsageError.",
        )],
        read: |fields| {
            let recipient = fields.token("recipientToken");
            if fields.flag("isRecipientCobranding") == Some(true) && recipient.is_none() {
                fields.note("recipientToken");
            }
            let (amount, period) = (fields.dollars("transactionAmount"), fields.period("recurringPeriod"));
            let limit = |measure, allowed| UsageLimit { measure, allowed, period };
            let amount = amount.map(|amount| limit(UsageMeasure::Amount, amount.micros()));
            TokenRequest::Payments(Payments {
                reference: fields.reference("callerReference"),
                token_type: TokenType::Recurring,
                charges: ChargeRange::default(),
                global_limit: None,
                limits: std::iter::once(limit(UsageMeasure::Count, 1)).chain(amount).collect(),
                recipients: recipient.into_iter().collect(),
                reserves: false,
            })
        },
    },
    Pipeline {
        name: "Recipient",
        summary: "A merchant agrees to receive payments through a marketplace.",
        groups: &[
            COMMON,
            ONE_REFERENCE,
            &[
                optional(
                    "callerReferenceRefund",
                    REFERENCE,
                    "The merchant's own name for the refund token; another one than callerReference.",
                ),
                required("recipientPaysFee", FLAG, "Whether the recipient bears FPS's fee, or the caller."),
                optional("maxFixedFee", "dollars", "The most that the caller takes of a payment."),
                optional("maxVariableFee", "per cent", "And per cent of it."),
                optional(
                    "paymentMethod",
                    "list of CC, ACH, ABT",
                    "How the recipient is paid; all three by default.",
                ),
                optional("currencyCode", "USD", "The only currency there is."),
                optional("paymentReason", "text, at most 2048 bytes", "What is paid for."),
            ],
            VALIDITY,
        ],
        instrument: None,
        tokens: &["tokenID", "refundTokenID"],
        fidelity: &[
            observed("maxFixedFee and maxVariableFee may be missing; Amazon's own libraries insist on them."),
            our_choice(
                "Where only one of maxFixedFee and maxVariableFee is given, the other is nothing; without both there is no commission.",
            ),
            documented(
                "GetTokenByCaller finds the recipient token by callerReference, the refund token by callerReferenceRefund.",
            ),
            our_choice("A refund token without callerReferenceRefund is found by its id only."),
            our_choice(
                "A personal account cannot agree to CC (NP), which is among the methods unless paymentMethod leaves it out. A caller that is no marketplace gets NM.",
            ),
        ],
        read: |fields| {
            let (fixed, percent) = (fields.dollars_or_zero("maxFixedFee"), fields.percent("maxVariableFee"));
            // Where only one is named, the other is nothing.
            let some = fixed.is_some() || percent.is_some();
            let terms = RecipientTerms {
                recipient_pays_fee: fields.flag("recipientPaysFee").unwrap_or(true),
                max_fixed_fee: some.then(|| fixed.unwrap_or_default()),
                max_variable_fee: some.then(|| percent.unwrap_or_default()),
            };
            TokenRequest::Receiving {
                reference: fields.reference("callerReference"),
                refund_reference: fields.optional_reference("callerReferenceRefund"),
                terms,
            }
        },
    },
    Pipeline {
        name: "SetupPrepaid",
        summary: "A prepaid instrument: money is paid in advance, and spent later.",
        groups: &[
            COMMON,
            &[
                required("callerReferenceSender", REFERENCE, "The merchant's name for the token that pays."),
                required("callerReferenceFunding", REFERENCE, "And for the one that funds."),
                required("fundingAmount", DOLLARS, "The highest balance."),
            ],
            VALIDITY,
            PAYMENT,
        ],
        instrument: Some("prepaidInstrumentID"),
        tokens: &["prepaidSenderTokenID", "fundingTokenID"],
        fidelity: &[
            observed("The names in the return URL, as one client reads them."),
            documented("Nothing is paid yet: FundPrepaid does that."),
        ],
        read: |fields| TokenRequest::Prepaid {
            sender_reference: fields.reference("callerReferenceSender"),
            funding_reference: fields.reference("callerReferenceFunding"),
            most: fields.dollars("fundingAmount").unwrap_or_default(),
        },
    },
    Pipeline {
        name: "SetupPostpaid",
        summary: "A credit instrument: debt is made first, and settled later.",
        groups: &[
            COMMON,
            &[
                required(
                    "callerReferenceSender",
                    REFERENCE,
                    "The merchant's name for the token that makes debt.",
                ),
                required("callerReferenceSettlement", REFERENCE, "And for the one that settles it."),
                required("creditLimit", DOLLARS, "The highest debt."),
                required("globalAmountLimit", DOLLARS, "The most that all settlements may come to."),
            ],
            CHARGES,
            LIMITS,
            VALIDITY,
            PAYMENT,
        ],
        instrument: Some("creditInstrumentID"),
        tokens: &["creditSenderTokenID", "settlementTokenID"],
        fidelity: &[
            observed("The return URL has no caller reference of any kind."),
            documented("globalAmountLimit binds the settlement token, creditLimit the instrument."),
            our_choice("Usage limits, and transactionAmount with amountType, bind the credit sender token."),
        ],
        read: |fields| {
            TokenRequest::Postpaid(Credit {
                sender_reference: fields.reference("callerReferenceSender"),
                settlement_reference: fields.reference("callerReferenceSettlement"),
                credit_limit: fields.dollars("creditLimit").unwrap_or_default(),
                settlement_limit: fields.dollars("globalAmountLimit").unwrap_or_default(),
                charges: fields.charges(),
                limits: fields.limits(),
            })
        },
    },
    Pipeline {
        name: "EditToken",
        summary: "Another payment method for a token.",
        groups: &[
            COMMON,
            &[
                required("callerReference", "text, at most 128 bytes", "Comes back in the return URL."),
                required(
                    "tokenId",
                    "token id",
                    "Which token; one that pays real money, made for this caller.",
                ),
                optional(
                    "paymentMethod",
                    "list of CC, ACH, ABT",
                    "How the visitor may pay; all three by default.",
                ),
            ],
        ],
        instrument: None,
        tokens: &["tokenID"],
        fidelity: &[
            documented("SU when the token pays as before."),
            our_choice("Only the token's owner can edit it; anybody else gets NP."),
        ],
        read: |fields| {
            fields.reference("callerReference");
            TokenRequest::Edit { token: fields.token("tokenId").unwrap_or_else(|| "".into()) }
        },
    },
];

/// Finds a pipeline by its name, in any case.
pub(super) fn find(name: &str) -> Option<&'static Pipeline> {
    PIPELINES.iter().find(|pipeline| pipeline.name.eq_ignore_ascii_case(name))
}

/// A start URL that is well-formed.
pub(super) struct Request {
    /// Which pipeline it is.
    pub(super) pipeline: &'static Pipeline,
    /// What is proposed.
    pub(super) proposal: Proposal,
    /// Whether the visitor is asked for an address.
    pub(super) asks_address: bool,
    /// What the amount is made of, by the names of the parameters.
    pub(super) parts: Vec<(&'static str, Amount)>,
}

impl Pipeline {
    /// Its parameters.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &'static Parameter> {
        self.groups.iter().copied().flatten()
    }

    fn takes(&self, name: &str) -> bool {
        self.parameters().any(|parameter| parameter.name == name)
    }

    /// Whether its return URL gives callerReference back.
    pub(super) fn returns_reference(&self) -> bool {
        self.takes("callerReference")
    }

    /// The first of its parameters that has to name something new.
    pub(super) fn reference(&self) -> &'static str {
        let mut references =
            self.parameters().filter(|parameter| parameter.name.starts_with("callerReference"));
        references.next().map_or("callerReference", |parameter| parameter.name)
    }

    /// Reads what is asked for; else gives the names of what is not well-formed.
    pub(super) fn read(
        &'static self,
        start: &Start,
        caller: AccountNumber,
        now: Timestamp,
    ) -> Result<Request, Vec<&'static str>> {
        let mut fields = Fields::new(start, self, now);
        fields.check_common();
        let request = (self.read)(&mut fields);
        let methods = if self.takes("paymentMethod") { fields.methods() } else { None };
        let mut methods = methods.unwrap_or_else(|| Account::METHODS.into());
        if matches!(&request, TokenRequest::Payments(payments) if payments.reserves) {
            methods.retain(|method| *method == PaymentMethod::CC);
        }
        let reason = if self.takes("paymentReason") { fields.reason() } else { None };
        let mut validity = if self.takes("validityStart") { fields.validity() } else { Validity::default() };
        if matches!(&request, TokenRequest::Payments(payments) if payments.token_type == TokenType::MultiUse)
        {
            let year = || validity.from.unwrap_or(now).plus_millis(YEAR_MILLIS);
            validity.until = validity.until.or_else(|| Some(year()));
        }
        let asks_address =
            self.takes("collectShippingAddress") && fields.flag("collectShippingAddress") == Some(true);
        for flag in ["collectEmailAddress", "disableGuest"] {
            if self.takes(flag) {
                fields.flag(flag);
            }
        }
        let mut parts = Vec::new();
        for name in ["itemTotal", "shipping", "handling", "giftWrapping", "tax", "discount"] {
            let amount = if self.takes(name) { fields.dollars_or_zero(name) } else { None };
            parts.extend(amount.map(|amount| (name, amount)));
        }
        let ill_formed = fields.ill_formed();
        if !ill_formed.is_empty() {
            return Err(ill_formed);
        }
        let proposal = Proposal { caller, methods, reason, validity, request };
        Ok(Request { pipeline: self, proposal, asks_address, parts })
    }
}
