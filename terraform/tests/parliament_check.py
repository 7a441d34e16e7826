"""Every policy in a state, through parliament: `parliament_check.py STATE.json` (`terraform show -json`).

Ends with 1 where parliament has something to say that is not accepted below, with its reason.
"""

import json
import sys

from parliament import analyze_policy_string

# Resource policies: parliament knows identity policies, and takes the missing Principal rules for errors in these.
RESOURCE_POLICIES = {"aws_s3_bucket_policy", "aws_sqs_queue_policy", "aws_sns_topic_policy"}
# Whose `policy` is what was written; elsewhere it is an echo of another resource.
WRITTEN = RESOURCE_POLICIES | {"aws_iam_role", "aws_iam_role_policy"}
# (issue, the text it is found in): why it may stand.
ACCEPTED = {
    ("RESOURCE_STAR", "xray:"): "X-Ray's actions know no resources; only with xray = true",
    ("RESOURCE_MISMATCH", "dynamodb:ListStreams"): "Lambda's own refusal asks for it on the stream, and * is not granted for it",
}


def policies(module):
    for resource in module.get("resources", []):
        if resource["type"] not in WRITTEN:
            continue
        for attribute in ("policy", "assume_role_policy"):
            text = resource["values"].get(attribute)
            if text:
                yield resource["address"], resource["type"], attribute, text
    for child in module.get("child_modules", []):
        yield from policies(child)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        root = json.load(file)["values"]["root_module"]
    seen = wrong = 0
    for address, kind, attribute, text in policies(root):
        if attribute == "assume_role_policy" or kind in RESOURCE_POLICIES:
            # Their grammar is checked all the same: each statement as an identity policy's, without its principal.
            document = json.loads(text)
            for statement in document["Statement"]:
                assert statement.pop("Principal", None), f"{address}: a resource policy needs a principal"
                if attribute == "assume_role_policy":
                    statement["Resource"] = "arn:aws:iam::123456789012:role/any"
            text = json.dumps(document)
        seen += 1
        for finding in analyze_policy_string(text, ignore_private_auditors=True).findings:
            accepted = [reason for (issue, part), reason in ACCEPTED.items() if finding.issue == issue and part in str(finding.detail)]
            if accepted:
                print(f"accepted: {address}: {finding.issue}: {accepted[0]}")
                continue
            wrong += 1
            print(f"{address} {attribute}: {finding.issue} {finding.title} {finding.detail} {finding.location}")
    print(f"{seen} policies, {wrong} findings")
    sys.exit(1 if wrong or not seen else 0)


if __name__ == "__main__":
    main()
