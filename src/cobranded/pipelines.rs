//! The table of the seven pipelines: the parameters of each, how they are read, and what the return URL reports.

use crate::ledger::{
    ChargeRange, PostpaidTerms, RecipientTerms, SenderTokenTerms, TokenRequest, TokenType, UsageLimit,
    UsageMeasure,
};
use crate::service::action::{documented, observed, our_choice};

use super::parameter_reader::StartUrlReader;
use super::pipeline::{Pipeline, PipelineParameter, optional, required};

const REFERENCE: &str = "text, at most 128 bytes, not used before";
const DOLLARS: &str = "dollars above zero, at most two decimals";
const FLAG: &str = "True or False";
const PERIOD: &str = "such as `1 Day` or `6 Months`";
const SECONDS: &str = "seconds since 1970";

/// The parameters of every pipeline.
pub(super) const COMMON: &[PipelineParameter] = &[
    required("callerKey", "access key", "The merchant's access key; `accessKey` is the older name."),
    required("pipelineName", "a pipeline", "Which pipeline to run."),
    required(
        "returnURL",
        "absolute URL of http or https",
        "Where the visitor is redirected at the end; its own query is kept.",
    ),
    optional("version", "date", "`2009-01-09`."),
    optional("signatureVersion", "2 or 1", "The version of the signature."),
    optional("signatureMethod", "HmacSHA256 or HmacSHA1", "The hash of version 2."),
    optional("signature", "base64", "The signature; `awsSignature` is the older name."),
    optional("cobrandingStyle", "logo or banner", "How the merchant's image is shown."),
    optional("cobrandingUrl", "URL; shown if it is https", "The merchant's image."),
    optional("websiteDescription", "text", "Shown on the pages."),
];
const PAYMENT: &[PipelineParameter] = &[
    optional("paymentMethod", METHODS, "How the visitor may pay; all three by default."),
    optional("currencyCode", "USD", "The only currency."),
    optional(
        "paymentReason",
        "text, at most 2048 bytes, with b i u ul li br em strong strike",
        "What the visitor pays for.",
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
const METHODS: &str = "list of CC, ACH, ABT";
/// What the amount consists of. The pages show it, but do not check the sum (no source says that it was checked).
const AMOUNT_BREAKDOWN: &[PipelineParameter] = &[
    optional("itemTotal", "dollars", "Part of the amount: the goods. Only shown."),
    optional("shipping", "dollars", "Part of the amount: shipping. Only shown."),
    optional("handling", "dollars", "Part of the amount: handling. Only shown."),
    optional("giftWrapping", "dollars", "Part of the amount: gift wrapping. Only shown."),
    optional("tax", "dollars", "Part of the amount: tax. Only shown."),
    optional("discount", "dollars", "Deducted from the amount. Only shown."),
    optional("collectEmailAddress", FLAG, "Has no effect."),
    optional("disableGuest", FLAG, "Has no effect: there are no guests."),
];
const VALIDITY: &[PipelineParameter] = &[
    optional(
        "validityStart",
        SECONDS,
        "Start of the validity; at most a year ahead, and (our choice) a day back. Now by default.",
    ),
    optional("validityExpiry", SECONDS, "End of the validity."),
];
const USAGE_LIMITS: &[PipelineParameter] = &[
    optional("usageLimitType1", "Amount or Count", "What the first usage limit limits."),
    optional("usageLimitValue1", "dollars or a number", "The limit."),
    optional("usageLimitPeriod1", PERIOD, "The period of the limit; without one, the life of the token."),
    optional("usageLimitType2", "Amount or Count", "The same for a second limit."),
    optional("usageLimitValue2", "dollars or a number", ""),
    optional("usageLimitPeriod2", PERIOD, ""),
];
const CALLER_REFERENCE: &[PipelineParameter] =
    &[required("callerReference", REFERENCE, "The merchant's own id of the token.")];
const CHARGE_RANGE: &[PipelineParameter] = &[
    optional("transactionAmount", DOLLARS, "The amount of one charge, as amountType says."),
    optional(
        "amountType",
        "Exact, Maximum or Minimum",
        "The meaning of transactionAmount. Exact by default.",
    ),
];

/// Every pipeline.
pub(super) static PIPELINES: &[Pipeline] = &[
    Pipeline {
        name: "SingleUse",
        summary: "One payment.",
        parameter_groups: &[
            COMMON,
            CALLER_REFERENCE,
            &[
                required("transactionAmount", DOLLARS, "Maximum amount of the payment."),
                optional("recipientToken", "token id", "The only recipient, in a marketplace."),
                optional(
                    "reserve",
                    FLAG,
                    "The payment is reserved first, so the visitor pays by credit card.",
                ),
            ],
            AMOUNT_BREAKDOWN,
            PAYMENT,
        ],
        instrument_result: None,
        token_results: &["tokenID"],
        behaviours: &[
            documented("The token is valid for three hours."),
            our_choice("A charge may be below transactionAmount; above it is TokenUsageError."),
            our_choice("itemTotal, shipping, tax and the like are shown and not added up."),
        ],
        read: read_single_use,
    },
    Pipeline {
        name: "MultiUse",
        summary: "Several payments, within limits.",
        parameter_groups: &[
            COMMON,
            CALLER_REFERENCE,
            &[
                required("globalAmountLimit", DOLLARS, "Maximum total of all payments."),
                optional(
                    "recipientTokenList",
                    "token ids, separated by commas",
                    "The only recipients, in a marketplace.",
                ),
                optional("disableGuest", FLAG, "Has no effect: there are no guests."),
                optional("isRecipientCobranding", FLAG, "Requires recipientTokenList."),
            ],
            CHARGE_RANGE,
            USAGE_LIMITS,
            VALIDITY,
            PAYMENT,
        ],
        instrument_result: None,
        token_results: &["tokenID"],
        behaviours: &[
            documented("Without validityExpiry the token is valid for a year."),
            our_choice(
                "A charge against amountType is IncompatibleTokens, one above any limit TokenUsageError.",
            ),
        ],
        read: read_multi_use,
    },
    Pipeline {
        name: "Recurring",
        summary: "One payment a period.",
        parameter_groups: &[
            COMMON,
            CALLER_REFERENCE,
            &[
                required("transactionAmount", DOLLARS, "Maximum amount of the payments in a period."),
                required("recurringPeriod", PERIOD, "The period."),
                optional("recipientToken", "token id", "The only recipient, in a marketplace."),
                optional("isRecipientCobranding", FLAG, "Requires recipientToken."),
            ],
            VALIDITY,
            PAYMENT,
        ],
        instrument_result: None,
        token_results: &["tokenID"],
        behaviours: &[our_choice(
            "One payment and transactionAmount in each period, counted from the validity's start; more is TokenUsageError.",
        )],
        read: read_recurring,
    },
    Pipeline {
        name: "Recipient",
        summary: "A merchant agrees to receive payments through a marketplace.",
        parameter_groups: &[
            COMMON,
            CALLER_REFERENCE,
            &[
                optional(
                    "callerReferenceRefund",
                    REFERENCE,
                    "The merchant's own id of the refund token; must differ from callerReference.",
                ),
                required("recipientPaysFee", FLAG, "Whether the recipient pays FPS's fee, or the caller."),
                optional(
                    "maxFixedFee",
                    "dollars",
                    "The caller's maximum commission on a payment, in dollars.",
                ),
                optional("maxVariableFee", "per cent", "And as a percentage of the payment."),
                optional("paymentMethod", METHODS, "How the recipient is paid; all three by default."),
                optional("currencyCode", "USD", "The only currency."),
                optional("paymentReason", "text, at most 2048 bytes", "What the payments are for."),
            ],
            VALIDITY,
        ],
        instrument_result: None,
        token_results: RECIPIENT_TOKENS,
        behaviours: &[
            observed("maxFixedFee and maxVariableFee may be missing; Amazon's own libraries require them."),
            our_choice(
                "Where only one of maxFixedFee and maxVariableFee is given, the other is zero; without both there is no commission.",
            ),
            documented(
                "GetTokenByCaller finds the recipient token by callerReference, the refund token by callerReferenceRefund.",
            ),
            our_choice("A refund token without callerReferenceRefund is found by its id only."),
            our_choice(
                "A personal account cannot accept CC (NP), which is among the methods unless paymentMethod leaves it out. A caller that is no marketplace gets NM.",
            ),
        ],
        read: read_recipient,
    },
    Pipeline {
        name: "SetupPrepaid",
        summary: "A prepaid instrument: money is paid in advance, and spent later.",
        parameter_groups: &[
            COMMON,
            &[
                required(
                    "callerReferenceSender",
                    REFERENCE,
                    "The merchant's own id of the token that spends the balance.",
                ),
                required(
                    "callerReferenceFunding",
                    REFERENCE,
                    "The merchant's own id of the token that funds the balance.",
                ),
                required("fundingAmount", DOLLARS, "Maximum balance."),
            ],
            VALIDITY,
            PAYMENT,
        ],
        instrument_result: Some("prepaidInstrumentID"),
        token_results: &["prepaidSenderTokenID", "fundingTokenID"],
        behaviours: &[
            observed("The names in the return URL, as one client reads them."),
            documented("Nothing is paid yet: FundPrepaid does that."),
        ],
        read: read_prepaid,
    },
    Pipeline {
        name: "SetupPostpaid",
        summary: "A credit instrument: debt is made first, and settled later.",
        parameter_groups: &[
            COMMON,
            &[
                required(
                    "callerReferenceSender",
                    REFERENCE,
                    "The merchant's own id of the token that makes debt.",
                ),
                required(
                    "callerReferenceSettlement",
                    REFERENCE,
                    "The merchant's own id of the token that settles debt.",
                ),
                required("creditLimit", DOLLARS, "Maximum debt."),
                required("globalAmountLimit", DOLLARS, "Maximum total of all settlements."),
            ],
            CHARGE_RANGE,
            USAGE_LIMITS,
            VALIDITY,
            PAYMENT,
        ],
        instrument_result: Some("creditInstrumentID"),
        token_results: &["creditSenderTokenID", "settlementTokenID"],
        behaviours: &[
            observed("The return URL has no caller reference of any kind."),
            documented("globalAmountLimit binds the settlement token, creditLimit the instrument."),
            our_choice("Usage limits, and transactionAmount with amountType, bind the credit sender token."),
        ],
        read: read_postpaid,
    },
    Pipeline {
        name: "EditToken",
        summary: "Another payment method for a token.",
        parameter_groups: &[
            COMMON,
            &[
                required("callerReference", "text, at most 128 bytes", "Repeated in the return URL."),
                required("tokenId", "token id", "The token: one of this caller's that pays real money."),
                optional("paymentMethod", METHODS, "How the visitor may pay; all three by default."),
            ],
        ],
        instrument_result: None,
        token_results: &["tokenID"],
        behaviours: &[
            documented("SU when the token pays as before."),
            our_choice("Only the token's owner can edit it; anybody else gets NP."),
        ],
        read: read_edit,
    },
];

/// The tokens of the Recipient pipeline. Its visitor does not pay.
pub(super) const RECIPIENT_TOKENS: &[&str] = &["tokenID", "refundTokenID"];

/// The pipeline of this name, in any case.
pub(super) fn find_pipeline(name: &str) -> Option<&'static Pipeline> {
    PIPELINES.iter().find(|pipeline| pipeline.name.eq_ignore_ascii_case(name))
}

fn read_single_use(reader: &mut StartUrlReader<'_>) -> TokenRequest {
    TokenRequest::Payments(SenderTokenTerms {
        reference: reader.reference("callerReference"),
        token_type: TokenType::SingleUse,
        charges: ChargeRange::default(),
        global_limit: reader.dollars("transactionAmount"),
        limits: Vec::new(),
        recipients: reader.token_id("recipientToken").into_iter().collect(),
        reserves: reader.flag("reserve") == Some(true),
    })
}

fn read_multi_use(reader: &mut StartUrlReader<'_>) -> TokenRequest {
    let recipients = reader.token_ids("recipientTokenList");
    if reader.flag("isRecipientCobranding") == Some(true) && recipients.is_empty() {
        reader.mark_malformed("recipientTokenList");
    }
    TokenRequest::Payments(SenderTokenTerms {
        reference: reader.reference("callerReference"),
        token_type: TokenType::MultiUse,
        charges: reader.charge_range(),
        global_limit: reader.dollars("globalAmountLimit"),
        limits: reader.usage_limits(),
        recipients,
        reserves: false,
    })
}

fn read_recurring(reader: &mut StartUrlReader<'_>) -> TokenRequest {
    let recipient = reader.token_id("recipientToken");
    if reader.flag("isRecipientCobranding") == Some(true) && recipient.is_none() {
        reader.mark_malformed("recipientToken");
    }
    let (amount, period) = (reader.dollars("transactionAmount"), reader.period("recurringPeriod"));
    let limit = |measure, allowed| UsageLimit { measure, allowed, period };
    let amount_limit = amount.map(|amount| limit(UsageMeasure::Amount, amount.micros()));
    TokenRequest::Payments(SenderTokenTerms {
        reference: reader.reference("callerReference"),
        token_type: TokenType::Recurring,
        charges: ChargeRange::default(),
        global_limit: None,
        limits: std::iter::once(limit(UsageMeasure::Count, 1)).chain(amount_limit).collect(),
        recipients: recipient.into_iter().collect(),
        reserves: false,
    })
}

fn read_recipient(reader: &mut StartUrlReader<'_>) -> TokenRequest {
    let fixed = reader.dollars_or_zero("maxFixedFee");
    let percent = reader.percent("maxVariableFee");
    // If only one of the two is given, the other is zero (our choice).
    let has_commission = fixed.is_some() || percent.is_some();
    let terms = RecipientTerms {
        recipient_pays_fee: reader.flag("recipientPaysFee").unwrap_or(true),
        max_fixed_fee: has_commission.then(|| fixed.unwrap_or_default()),
        max_variable_fee: has_commission.then(|| percent.unwrap_or_default()),
    };
    TokenRequest::Receiving {
        reference: reader.reference("callerReference"),
        refund_reference: reader.optional_reference("callerReferenceRefund"),
        terms,
    }
}

fn read_prepaid(reader: &mut StartUrlReader<'_>) -> TokenRequest {
    TokenRequest::Prepaid {
        sender_reference: reader.reference("callerReferenceSender"),
        funding_reference: reader.reference("callerReferenceFunding"),
        max_balance: reader.dollars("fundingAmount").unwrap_or_default(),
    }
}

fn read_postpaid(reader: &mut StartUrlReader<'_>) -> TokenRequest {
    TokenRequest::Postpaid(PostpaidTerms {
        sender_reference: reader.reference("callerReferenceSender"),
        settlement_reference: reader.reference("callerReferenceSettlement"),
        credit_limit: reader.dollars("creditLimit").unwrap_or_default(),
        settlement_limit: reader.dollars("globalAmountLimit").unwrap_or_default(),
        charges: reader.charge_range(),
        limits: reader.usage_limits(),
    })
}

fn read_edit(reader: &mut StartUrlReader<'_>) -> TokenRequest {
    // An edited token keeps its own reference; this one is only checked and returned.
    reader.reference("callerReference");
    TokenRequest::Edit { token: reader.token_id("tokenId").unwrap_or_else(|| "".into()) }
}
