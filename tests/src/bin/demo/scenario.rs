//! What SIPp does in one call: an INVITE, one final answer, its ACK.

/// A scenario of SIPp, in which `{user}` and `{status}` stand for the user that is called and the expected answer.
/// Words in brackets are SIPp's own. The ACK of such an answer has the branch of its INVITE (RFC 3261 section 17.1.1.3),
/// which is three messages back.
const SCENARIO: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<scenario name="A call that is not set up">
  <send retrans="500"><![CDATA[
INVITE sip:{user}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:demo@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:{user}@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:demo@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
  <recv response="100" optional="true"/>
  <recv response="{status}"/>
  <send><![CDATA[
ACK sip:{user}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch-3]
Max-Forwards: 70
From: <sip:demo@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:{user}@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Content-Length: 0

]]></send>
</scenario>
"#;

/// The scenario of a call to `user` that is answered with `status`.
pub fn scenario(user: &str, status: u16) -> String {
    SCENARIO.replace("{user}", user).replace("{status}", &status.to_string())
}
