//! Rules of the string to sign.

use super::*;

#[test]
fn exactly_the_unreserved_characters_stay() {
    let all: String = (' '..='~').collect();
    let mut out = String::from("kept:");
    percent_encode(&all, &mut out);
    assert_eq!(
        out,
        "kept:%20%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F0123456789%3A%3B%3C%3D%3E%3F%40ABCDEFGHIJKLMNOPQRSTUVWXYZ%5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~"
    );
}

#[test]
fn names_sort_by_bytes_then_values_do() {
    let pairs = pairs("b=2&AmountX=1&b=1&Amount.Value=1&a=1&AWS=1&Action=1&é=1");
    let text = string_to_sign(V2_SHA256, &request("GET", "/", &pairs), "h");
    let line = "AWS=1&Action=1&Amount.Value=1&AmountX=1&a=1&b=1&b=2&%C3%A9=1";
    assert_eq!(text, format!("GET\nh\n/\n{line}"));
}

#[test]
fn version_1_keeps_equal_names_in_the_order_of_arrival() {
    let pairs = pairs("b=2&B=1&a=3&b=0");
    assert_eq!(string_to_sign(Scheme::V1, &request("GET", "/", &pairs), "h"), "a3b2B1b0");
}

#[test]
fn the_host_is_put_into_lower_case_and_the_empty_path_is_a_slash() {
    assert_eq!(string_to_sign(V2_SHA1, &request("POST", "", &[]), "LocalHost:80"), "POST\nlocalhost:80\n/\n");
}

#[test]
fn each_segment_of_the_path_is_encoded_once() {
    for (path, line) in [
        ("/a b/c", "/a%20b/c"),
        ("/a%20b/c", "/a%20b/c"),
        ("/a%2fb/~c*/", "/a%2Fb/~c%2A/"),
        ("/%ff%zz", "/%FF%25zz"),
        ("//", "//"),
    ] {
        let text = string_to_sign(V2_SHA256, &request("GET", path, &[]), "h");
        assert_eq!(text, format!("GET\nh\n{line}\n"), "{path}");
    }
}

#[test]
fn the_secret_is_not_shown() {
    assert_eq!(format!("{:?}", SecretKey::new("open sesame")), "SecretKey(…)");
}

#[test]
fn hashes_are_known_by_name() {
    assert_eq!(Hash::from_name("HmacSHA1"), Some(Hash::Sha1));
    assert_eq!(Hash::from_name("HmacSHA256"), Some(Hash::Sha256));
    assert_eq!(Hash::from_name("hmacsha256"), None);
}
