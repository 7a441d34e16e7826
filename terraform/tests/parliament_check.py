"""Checks every policy in a Terraform state with parliament.

Usage: `parliament_check.py STATE.json`. STATE.json is the output of `terraform show -json`.

Exits with 1 if parliament reports a finding that is not in ACCEPTED.
"""

import json
import sys

from parliament import analyze_policy_string

# Resource policies. parliament checks identity policies only, and reports the Principal of these as an error.
RESOURCE_POLICIES = {"aws_s3_bucket_policy", "aws_sqs_queue_policy", "aws_sns_topic_policy"}
# Resources whose `policy` the module writes. In other resources it repeats a policy of another resource.
WRITTEN = RESOURCE_POLICIES | {"aws_iam_role", "aws_iam_role_policy"}
# (issue, text that it is found in): the reason why it is accepted.
ACCEPTED = {
    ("RESOURCE_STAR", "xray:"): "X-Ray's actions cannot be limited to resources; only with xray = true",
    ("RESOURCE_MISMATCH", "dynamodb:ListStreams"): "Lambda's own check requires it on the stream, and * is not granted for it",
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
            # Their grammar is checked too: each statement as one of an identity policy, without its principal.
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
