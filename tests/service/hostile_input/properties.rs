//! Property tests: random parameters and random forms.

use super::*;

/// Names of parameters that actions know, and random ones.
fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => proptest::sample::select(vec![
            "SenderTokenId", "TransactionAmount.Value", "TransactionAmount.CurrencyCode", "CallerReference",
            "CallerDescription", "SenderDescription", "ChargeFeeTo", "TransactionTimeoutInMins", "TransactionId",
            "CreditInstrumentId", "SettlementAmount.Value", "AdjustmentAmount.Value", "RefundAmount.Value",
            "MarketplaceRefundPolicy", "DescriptorPolicy.CSOwner", "DescriptorPolicy.SoftDescriptorType",
            "OverrideIPNURL", "MarketplaceVariableFee", "MetaData", "Version", "Timestamp", "SignatureVersion",
            "AdjustmentAmount.CurrencyCode", "RefundAmount.CurrencyCode", "SettlementAmount.CurrencyCode",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

/// Values of parameters: some valid ones, numbers and random texts.
fn values() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            demo::CREDIT,
            demo::SETTLEMENT,
            demo::ABT,
            demo::INSTRUMENT,
            "USD",
            "1",
            "0.01",
            "1e9",
            "10",
            "",
            "Caller",
            "Recipient",
            "Static",
            "2010-08-28",
            "99999999999999999999",
            "-0",
            "MasterTxnOnly",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
        "[0-9]{0,40}(\\.[0-9]{0,5})?",
        "\\PC{0,200}",
    ]
}

/// Names of actions, and random ones.
fn actions() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => proptest::sample::select(vec![
            "Pay", "Refund", "SettleDebt", "WriteOffDebt", "GetDebtBalance", "GetTransaction", "GetTransactionStatus",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

/// Asserts that a response is a success or an error of FPS, in well-formed XML on one line.
fn assert_answered(response: &Response) {
    if response.status == 200 {
        let found = elements(&response.body).unwrap_or_else(|problem| panic!("{problem}: {}", response.body));
        assert!(
            found.iter().any(|(path, _)| path.ends_with("ResponseMetadata/RequestId")),
            "{}",
            response.body
        );
    } else {
        refusal_code(response);
    }
}

#[test]
fn whatever_the_parameters_the_answer_is_well_formed_and_its_code_known() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (authenticated, unauthenticated) =
        runtime.block_on(async { (Server::start().await, start_without_authentication().await) });
    let merchant = authenticated.merchant();
    let requests = (actions(), proptest::collection::vec((names(), values()), 0..12), any::<bool>());
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let property = |(action, pairs, by_post): (String, Vec<(String, String)>, bool)| {
        let given: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let signed = merchant.signed_query(&action, &given);
        let action = [("Action".to_owned(), action.clone()), ("Version".to_owned(), "2010-08-28".to_owned())];
        let plain = encode_query(&[&action[..], &pairs].concat());
        runtime.block_on(async {
            assert_answered(&exchange(authenticated.addr, get_request(&signed).as_bytes()).await);
            let bytes =
                if by_post { post_request(plain.as_bytes()) } else { get_request(&plain).into_bytes() };
            assert_answered(&exchange(unauthenticated.addr, &bytes).await);
        });
        Ok(())
    };
    TestRunner::new(config).run(&requests, property).unwrap();
}

#[test]
fn whatever_the_bytes_of_a_form_the_answer_is_well_formed_and_its_code_known() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let unauthenticated = runtime.block_on(start_without_authentication());
    let forms = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..400),
        "[A-Za-z.=&%+0-9]{0,200}".prop_map(String::into_bytes),
        "(Action=Pay&)?(%[0-9A-F]{2}|[A-Z=&]){0,100}".prop_map(String::into_bytes),
    ];
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let property = |form: Vec<u8>| {
        assert_answered(&runtime.block_on(exchange(unauthenticated.addr, &post_request(&form))));
        Ok(())
    };
    TestRunner::new(config).run(&forms, property).unwrap();
}
