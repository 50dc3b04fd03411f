//! The list: every name of the three generations of http_async_client, and those that are only here.

use Kind::{Function, Kemi, Key, Parameter, Statistic, Time, Variable};
use Since::{Here, Newest, V5, V44};

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A `modparam`.
    Parameter,
    /// A function of the native script language.
    Function,
    /// A function of KEMI scripts.
    Kemi,
    /// A variable.
    Variable,
    /// A key of `$http_req`.
    Key,
    /// A key of `$http_time`.
    Time,
    /// A statistic.
    Statistic,
}

impl Kind {
    /// All of them, in the order of the document.
    pub const ALL: [Self; 7] = [Parameter, Function, Kemi, Variable, Key, Time, Statistic];
}

/// The generation whose scripts use a name first.
#[derive(Clone, Copy)]
pub enum Since {
    /// Kamailio 4.4.
    V44,
    /// The manual of today.
    V5,
    /// Added upstream after that manual.
    Newest,
    /// This module alone.
    Here,
}

/// One name.
pub struct Name {
    pub kind: Kind,
    pub name: &'static str,
    /// Its type, arity, or how it is read or written.
    pub form: &'static str,
    pub since: Since,
    /// The end-to-end test that shows it, as `file::test` or `folder::file::test`.
    pub test: &'static str,
    /// One more, for what the first does not show.
    pub second_test: Option<&'static str>,
    /// What it does otherwise than the C module, on purpose; empty where nothing is.
    pub differs: &'static str,
}

const fn same(kind: Kind, name: &'static str, form: &'static str, since: Since, test: &'static str) -> Name {
    Name { kind, name, form, since, test, second_test: None, differs: "" }
}

impl Name {
    const fn but(self, differs: &'static str) -> Self {
        Self { differs, ..self }
    }

    const fn and(self, test: &'static str) -> Self {
        Self { second_test: Some(test), ..self }
    }

    /// The tests that show it.
    pub fn tests(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.test).chain(self.second_test)
    }
}

/// All of them, by kind, in the order of the manual.
#[rustfmt::skip] // One row a line, and what differs in the line below it.
pub static NAMES: &[Name] = &[
    same(Parameter, "workers", "integer", V44, "parameters::workers_are_that_many_processes_of_that_name")
        .but("a query goes to the worker with the fewest unfinished ones"),
    same(Parameter, "connection_timeout", "integer", V44, "parameters::connection_timeout_is_the_deadline_of_every_query")
        .but("one deadline over everything, which arriving bytes do not extend; in C a socket's idle time; 0 is refused"),
    same(Parameter, "hash_size", "integer", V44, "parameters::hash_size_is_rounded_down_to_a_power_of_two_with_a_warning")
        .but("room made at the start and idle connections kept, as there is no such table"),
    same(Parameter, "tls_version", "integer", V44, "tls::tls_version_is_the_least_that_is_accepted")
        .but("7, TLS 1.3, is taken too"),
    same(Parameter, "tls_verify_host", "integer", V44, "tls::tls_verify_host_0_takes_a_certificate_for_another_name"),
    same(Parameter, "tls_verify_peer", "integer", V44, "tls::tls_verify_peer_0_trusts_anybody"),
    same(Parameter, "curl_verbose", "integer", V44, "parameters::curl_verbose_logs_what_libcurl_does_without_secrets")
        .but("credentials and cookies are blanked"),
    same(Parameter, "curl_follow_redirect", "integer", V5, "parameters::curl_follow_redirect_is_the_default_of_every_query")
        .but("max_redirects at most, http and https only; credentials stay with their host"),
    same(Parameter, "memory_manager", "string", V44, "parameters::memory_manager_decides_where_libcurls_memory_lies")
        .but("a warning tells when another module took libcurl first"),
    same(Parameter, "tls_client_cert", "string", V44, "tls::a_client_certificate_is_shown_by_parameter_and_by_key"),
    same(Parameter, "tls_client_key", "string", V44, "tls::a_client_certificate_is_shown_by_parameter_and_by_key"),
    same(Parameter, "tls_ca_path", "string", V44, "tls::tls_ca_path_says_who_is_trusted_as_folder_or_file")
        .but("one PEM file is taken as well as a folder; a path without authorities is an error"),
    same(Parameter, "tcp_keepalive", "integer", V5, "parameters::tcp_keepalive_parameters_set_the_socket_options")
        .but("it works; a wrong #ifdef leaves it out of the C module"),
    same(Parameter, "tcp_ka_idle", "integer", V5, "parameters::tcp_keepalive_parameters_set_the_socket_options")
        .but("it works, as tcp_keepalive does"),
    same(Parameter, "tcp_ka_interval", "integer", V5, "parameters::tcp_keepalive_parameters_set_the_socket_options")
        .but("it works, as tcp_keepalive does"),
    same(Parameter, "authmethod", "integer", Newest, "parameters::authmethod_is_the_default_of_every_query"),
    same(Parameter, "connect_timeout", "integer", Here, "limits::a_connection_has_its_own_limit_of_time"),
    same(Parameter, "max_response_size", "integer", Here, "limits::a_body_of_max_response_size_is_taken_and_one_byte_more_is_not"),
    same(Parameter, "max_redirects", "integer", Here, "limits::max_redirects_are_followed_and_one_more_is_not"),
    same(Parameter, "queue_size", "integer", Here, "limits::queue_size_queries_wait_and_one_more_is_refused"),
    same(Parameter, "max_in_flight", "integer", Here, "limits::max_in_flight_transfers_run_and_the_next_waits"),
    same(Parameter, "max_lookups", "integer", Here, "names::bound::a_name_waits_for_a_look_up_to_end_and_no_longer_than_somebody_wants_that"),
    same(Parameter, "dns_cache_time", "integer", Here, "names::cache::dns_cache_time_bounds_the_ttl_and_0_keeps_nothing"),
    same(Parameter, "max_connections_per_host", "integer", Here, "limits::max_connections_per_host_makes_transfers_share_them"),
    same(Parameter, "max_streams", "integer", Here, "http2_streams::max_streams_of_1_is_one_request_at_a_time"),
    same(Function, "http_async_query", "2 strings", V44, "routes::a_request_with_a_transaction_is_suspended_and_the_script_stops")
        .but("never blocks; whatever is refused returns -1, leaves the call as it was and uses up its parameters; an unknown route or none is \
              refused at the call where the transaction would be suspended, and elsewhere sent with a warning; never suspends in branch and event routes; -1 for replies of 300 and above in onreply_route and for \
              requests with open branches; local transactions are not suspended")
        .and("drop_in::a_query_whose_route_is_not_there_goes_out_with_one_warning_a_name"),
    same(Function, "http_async_query", "3 strings", V44, "generations::a_query_of_three_parameters_posts_its_body")
        .but("an empty post_data is sent as a POST with a length of 0; C 4.4 returned -1"),
    same(Function, "http_async_send", "2 strings", Newest, "generations::send_never_suspends_and_carries_its_string_to_the_callback"),
    same(Function, "http_async_send_xdata", "3 strings", Newest, "generations::send_never_suspends_and_carries_its_string_to_the_callback"),
    same(Function, "http_async_set", "2 strings", Here, "every_key::http_async_set_takes_every_key")
        .and("every_key::http_async_set_takes_every_tls_key"),
    same(Function, "http_async_suspend", "1 string", V44, "generations::http_async_suspend_0_lets_the_script_go_on"),
    same(Function, "tls_verify_host", "1 string", V44, "generations::tls_functions_and_keys_decide_for_one_query"),
    same(Function, "tls_verify_peer", "1 string", V44, "generations::tls_functions_and_keys_decide_for_one_query"),
    same(Function, "http_set_timeout", "1 string", V44, "generations::header_method_and_timeout_functions_take_variables")
        .and("generations::a_function_with_a_wrong_value_returns_minus_1_and_refuses_the_query")
        .but("the deadline of the whole query; 0 is refused"),
    same(Function, "http_append_header", "1 string", V44, "generations::header_method_and_timeout_functions_take_variables")
        .and("generations::a_function_with_a_wrong_value_returns_minus_1_and_refuses_the_query")
        .but("a line end inside is refused, and a blank before the name or its colon"),
    same(Function, "http_set_method", "1 string", V44, "generations::http_set_method_takes_whole_names_in_any_case")
        .and("generations::a_function_with_a_wrong_value_returns_minus_1_and_refuses_the_query")
        .but("whole names in any case, and PATCH, HEAD, OPTIONS; others, as TRACE, are refused"),
    same(Function, "http_set_tls_client_cert", "1 string", V44, "generations::tls_functions_and_keys_decide_for_one_query"),
    same(Function, "http_set_tls_client_key", "1 string", V44, "generations::tls_functions_and_keys_decide_for_one_query"),
    same(Function, "http_set_tls_ca_path", "1 string", V44, "generations::tls_functions_and_keys_decide_for_one_query"),
    same(Kemi, "query", "2 strings", Newest, "kemi::lua::return_values_are_those_of_the_native_function"),
    same(Kemi, "send", "2 strings", Newest, "kemi::lua::send_never_suspends_and_carries_its_string_to_the_callback"),
    same(Kemi, "send_xdata", "3 strings", Newest, "kemi::lua::send_never_suspends_and_carries_its_string_to_the_callback"),
    same(Kemi, "set", "2 strings", Here, "kemi::lua::header_method_and_body_functions_make_the_request"),
    same(Kemi, "suspend", "1 string", Here, "kemi::lua::suspend_0_lets_the_script_go_on"),
    same(Kemi, "tls_verify_host", "1 string", Here, "kemi::lua::tls_functions_decide_for_one_query"),
    same(Kemi, "tls_verify_peer", "1 string", Here, "kemi::lua::tls_functions_decide_for_one_query"),
    same(Kemi, "set_timeout", "1 string", Here, "kemi::lua::set_timeout_ends_the_query"),
    same(Kemi, "append_header", "1 string", Here, "kemi::lua::header_method_and_body_functions_make_the_request"),
    same(Kemi, "set_method", "1 string", Here, "kemi::lua::header_method_and_body_functions_make_the_request"),
    same(Kemi, "set_tls_client_cert", "1 string", Here, "kemi::lua::tls_functions_decide_for_one_query"),
    same(Kemi, "set_tls_client_key", "1 string", Here, "kemi::lua::tls_functions_decide_for_one_query"),
    same(Kemi, "set_tls_ca_path", "1 string", Here, "kemi::lua::tls_functions_decide_for_one_query"),
    same(Variable, "http_req_id", "read", V5, "variables::the_id_names_a_query_before_and_in_its_callback")
        .and("variables::an_id_is_another_after_a_restart_of_the_same_process")
        .but("unique across restarts too"),
    same(Variable, "http_req", "write, by key", V44, "keys::parameters_belong_to_one_query")
        .but("belongs to one query of one SIP message; a refused assignment refuses the query"),
    same(Variable, "http_ok", "read", V44, "variables::any_status_is_ok_and_its_reason_is_there"),
    same(Variable, "http_err", "read", V44, "drop_in::an_error_has_a_class_and_a_number_and_a_time_limit_is_timeout")
        .and("variables::an_error_has_a_text_and_nothing_else")
        .but("never empty for an error"),
    same(Variable, "http_err_text", "read", Here, "drop_in::an_error_has_a_class_and_a_number_and_a_time_limit_is_timeout"),
    same(Variable, "http_err_class", "read", Here, "drop_in::an_error_has_a_class_and_a_number_and_a_time_limit_is_timeout"),
    same(Variable, "http_errno", "read", Here, "drop_in::an_error_has_a_class_and_a_number_and_a_time_limit_is_timeout"),
    same(Variable, "http_rs", "read", V44, "http::of_several_responses_the_last_is_the_response")
        .but("of the last response, after 1xx, redirects and challenges"),
    same(Variable, "http_rr", "read", V44, "variables::any_status_is_ok_and_its_reason_is_there")
        .but("of the last response; may be empty"),
    same(Variable, "http_hdr", "read, by header name", V44, "variables::headers_are_found_by_name_in_any_case_and_by_index")
        .but("`*` as name and as index; a Via header of the response does no harm"),
    same(Variable, "http_mb", "read", V44, "variables::message_and_body_are_byte_for_byte_with_their_lengths")
        .but("the bytes as received, NUL included"),
    same(Variable, "http_ml", "read", V44, "variables::message_and_body_are_byte_for_byte_with_their_lengths"),
    same(Variable, "http_rb", "read", V44, "variables::message_and_body_are_byte_for_byte_with_their_lengths")
        .but("the bytes as received, NUL included; at most 1 MiB, then the query is an error"),
    same(Variable, "http_bs", "read", V44, "variables::message_and_body_are_byte_for_byte_with_their_lengths"),
    same(Variable, "http_time", "read, by key", V5, "variables::times_are_microseconds_from_the_start_in_their_order"),
    same(Variable, "http_xdata", "read", Newest, "generations::send_never_suspends_and_carries_its_string_to_the_callback")
        .but("in the callback of a suspended query too, with $http_req(xdata)"),
    same(Key, "all", "only $null", V44, "every_key::all_null_resets_every_key")
        .and("every_key::all_null_resets_every_tls_key")
        .but("a value other than $null or an empty string is refused"),
    same(Key, "hdr", "string", V44, "keys::hdr_adds_headers_and_null_removes_them")
        .and("bad_input::a_refused_assignment_refuses_the_query_after_it_with_one_line_each")
        .but("$null removes, as documented, and in C does nothing; a line end inside is refused, and a blank before the name or its colon"),
    same(Key, "body", "string", V5, "keys::a_body_makes_a_post_and_null_removes_it")
        .but("$null removes; at most 1 MiB"),
    same(Key, "method", "string", V44, "keys::every_method_goes_out_with_and_without_a_body")
        .and("generations::newer_methods_go_out_with_their_bodies")
        .but("whole names in any case, where C takes beginnings; PATCH, HEAD and OPTIONS too; others, as TRACE, are refused"),
    same(Key, "timeout", "integer", V44, "keys::timeout_is_the_deadline_in_milliseconds_and_null_is_the_default")
        .but("the deadline of the whole query; 0 is refused"),
    same(Key, "tls_client_cert", "string", V44, "tls::a_client_certificate_is_shown_by_parameter_and_by_key")
        .but("$null means none; in 4.4 it meant the parameter, in 5.x nothing"),
    same(Key, "tls_client_key", "string", V44, "tls::a_client_certificate_is_shown_by_parameter_and_by_key")
        .but("$null means none; in 4.4 it meant the parameter, in 5.x nothing"),
    same(Key, "tls_ca_path", "string", V44, "tls::tls_ca_path_says_who_is_trusted_as_folder_or_file")
        .but("$null means none; in 4.4 it meant the parameter, in 5.x nothing; one PEM file is taken too; a path without authorities is an error"),
    same(Key, "authmethod", "integer", V5, "keys::authmethod_3_asks_the_server_first_and_null_is_the_default"),
    same(Key, "username", "string", V5, "keys::username_and_password_authenticate_and_null_removes_them")
        .but("$null removes"),
    same(Key, "password", "string", V5, "keys::username_and_password_authenticate_and_null_removes_them")
        .but("$null removes"),
    same(Key, "suspend", "integer", V44, "keys::suspend_0_lets_the_script_go_on"),
    same(Key, "tcp_keepalive", "integer", V5, "keys::keepalive_sets_the_socket_options_in_both_spellings")
        .but("it works; the C module's code does not know the manual's spelling"),
    same(Key, "keepalive", "integer", V5, "keys::keepalive_sets_the_socket_options_in_both_spellings")
        .but("the spelling in the C module's code, kept beside the manual's"),
    same(Key, "tcp_ka_idle", "integer", V5, "keys::keepalive_sets_the_socket_options_in_both_spellings")
        .but("it works; the C module's code does not know the manual's spelling"),
    same(Key, "ka-idle", "integer", V5, "keys::keepalive_sets_the_socket_options_in_both_spellings")
        .but("the spelling in the C module's code, kept beside the manual's"),
    same(Key, "tcp_ka_interval", "integer", V5, "keys::keepalive_sets_the_socket_options_in_both_spellings")
        .but("it works; the C module's code does not know the manual's spelling"),
    same(Key, "ka-interval", "integer", V5, "keys::keepalive_sets_the_socket_options_in_both_spellings")
        .but("the spelling in the C module's code, kept beside the manual's"),
    same(Key, "follow_redirect", "integer", V5, "keys::follow_redirect_decides_for_one_query"),
    same(Key, "max_redirects", "integer", Here, "limits::max_redirects_are_followed_and_one_more_is_not"),
    same(Key, "max_response_size", "integer", Here, "limits::a_body_of_max_response_size_is_taken_and_one_byte_more_is_not"),
    same(Key, "connect_timeout", "integer", Here, "limits::a_connection_has_its_own_limit_of_time"),
    same(Key, "tls_verify_host", "integer", Here, "generations::tls_functions_and_keys_decide_for_one_query")
        .and("generations::any_number_but_0_is_yes")
        .but("the key for the function of 4.4"),
    same(Key, "tls_verify_peer", "integer", Here, "generations::tls_functions_and_keys_decide_for_one_query")
        .and("generations::any_number_but_0_is_yes")
        .but("the key for the function of 4.4"),
    same(Key, "http_version", "integer", Newest, "generations::http_version_asks_for_http_2"),
    same(Key, "xdata", "string", Here, "generations::a_suspended_query_carries_a_string_too_and_null_takes_it_back"),
    same(Time, "total", "µs", V5, "variables::times_are_microseconds_from_the_start_in_their_order"),
    same(Time, "lookup", "µs", V5, "variables::times_are_microseconds_from_the_start_in_their_order"),
    same(Time, "connect", "µs", V5, "variables::times_are_microseconds_from_the_start_in_their_order"),
    same(Time, "appconnect", "µs", V5, "variables::times_are_microseconds_from_the_start_in_their_order"),
    same(Time, "pretransfer", "µs", V5, "variables::times_are_microseconds_from_the_start_in_their_order"),
    same(Time, "starttransfer", "µs", V5, "variables::times_are_microseconds_from_the_start_in_their_order"),
    same(Time, "redirect", "µs", V5, "http::times_of_a_redirected_query_add_up"),
    same(Statistic, "requests", "counter", V44, "callbacks::each_query_counts_as_reply_error_or_timeout")
        .but("counted when the query is accepted"),
    same(Statistic, "replies", "counter", V44, "callbacks::each_query_counts_as_reply_error_or_timeout")
        .but("every query that ended in a response; the C module leaves some out"),
    same(Statistic, "errors", "counter", V44, "callbacks::each_query_counts_as_reply_error_or_timeout")
        .but("each query ends in one of replies, errors and timeouts"),
    same(Statistic, "timeouts", "counter", V44, "callbacks::each_query_counts_as_reply_error_or_timeout"),
    same(Statistic, "in_flight", "counter", Here, "callbacks::in_flight_counts_what_has_not_ended"),
    same(Statistic, "panics", "counter", Here, "callbacks::each_query_counts_as_reply_error_or_timeout")
        .but("internal errors that were caught"),
];
