"""What the functions asked of AWS, held against the policies that the module renders:
`policy_check.py STATE.json REQUESTS.json` (`terraform show -json`; what tests/it/lambda.rs records).

Every action that a recorded request needs must be allowed on its resource, and every action that a statement of a
function's own code allows must have been needed on a resource of that statement, but for those below, with their reasons.
Which actions a request needs: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3"
(DynamoDB, Systems Manager), and S3 User Guide, "Required permissions for Amazon S3 API operations".

Ends with 1 where one does not hold.
"""

import fnmatch
import json
import re
import sys
from urllib.parse import parse_qs, unquote

# (function, Sid, action): why it is allowed though no test asks for it.
UNUSED = {
    ("ingest", "Archive", "s3:AbortMultipartUpload"): "only a copy of more than 5 GB is made in parts",
}
# What Lambda does in the function's name, not the function's code.
LAMBDAS_OWN = {"Logs", "Queue", "OnFailure", "Stream", "Traces"}


def resources(module):
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from resources(child)


def needed(request, arn):
    """The (action, resource) pairs of one request."""
    service = request["service"]
    operation = (request["target"] or "").rpartition(".")[2]
    if service == "dynamodb":
        table = f"{arn}:dynamodb:{{region}}:{{account}}:table/{request['names']['TableName']}"
        index = request["names"].get("IndexName")
        return [(f"dynamodb:{operation}", f"{table}/index/{index}" if index else table)]
    if service == "ssm":
        return [(f"ssm:{operation}", f"{arn}:ssm:{{region}}:{{account}}:parameter{request['names']['Name']}")]
    bucket, _, key = unquote(request["path"]).lstrip("/").partition("/")
    query = parse_qs(request["query"] or "", keep_blank_values=True)
    bucket_arn, object_arn = f"{arn}:s3:::{bucket}", f"{arn}:s3:::{bucket}/{key}"
    match request["method"]:
        case "GET" if not key:
            return [("s3:ListBucket", bucket_arn)]
        # Where the object is not there, S3 says so only to who may list the bucket.
        case "GET" | "HEAD":
            return [("s3:GetObject", object_arn), ("s3:ListBucket", bucket_arn)]
        case "PUT" if request["copySource"]:
            source = f"{arn}:s3:::{unquote(request['copySource']).lstrip('/').partition('?')[0]}"
            pairs = [("s3:GetObject", source), ("s3:PutObject", object_arn)]
            if request["taggingDirective"] != "REPLACE":
                pairs += [("s3:GetObjectTagging", source), ("s3:PutObjectTagging", object_arn)]
            return pairs
        case "PUT":
            return [("s3:PutObject", object_arn)]
        case "DELETE" if "uploadId" in query:
            return [("s3:AbortMultipartUpload", object_arn)]
        case "DELETE":
            return [("s3:DeleteObject", object_arn)]
    raise SystemExit(f"no rule says what {request} needs")


def matching(statements, action, resource):
    def fits(pattern, text):
        # IAM knows * and ?, no brackets.
        return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))

    return [
        statement
        for statement in statements
        if any(fits(one, action) for one in statement["Action"]) and any(fits(one, resource) for one in statement["Resource"])
    ]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        found = list(resources(json.load(file)["values"]["root_module"]))
    with open(sys.argv[2], encoding="utf-8") as file:
        requests = json.load(file)
    policies = {
        one["index"]: json.loads(one["values"]["policy"])["Statement"]
        for one in found
        if one["type"] == "aws_iam_role_policy" and one["name"] == "function"
    }
    # Region and account, as the policies have them.
    partition, region, account = re.search(r"(arn:[a-z-]+):dynamodb:([^:]+):([^:]+):", json.dumps(policies)).groups()
    wrong, pairs = [], set()
    for request in requests:
        for action, resource in needed(request, partition):
            pairs.add((request["function"], action, resource.format(region=region, account=account)))
    used = set()
    for function, action, resource in sorted(pairs):
        allowing = matching(policies[function], action, resource)
        if not allowing:
            wrong.append(f"{function} may not {action} on {resource}")
        used.update((function, statement["Sid"], action) for statement in allowing)
    for function, statements in policies.items():
        for statement in statements:
            assert statement["Effect"] == "Allow" and "Condition" not in statement, statement
            for action in statement["Action"]:
                one = (function, statement["Sid"], action)
                if statement["Sid"] in LAMBDAS_OWN or one in used:
                    continue
                if one in UNUSED:
                    print(f"allowed, though no test asks for it: {function}: {action}: {UNUSED[one]}")
                else:
                    wrong.append(f"{function}: {statement['Sid']} allows {action}, which it did not ask for")
    # Elsewhere than where it works, a function may do nothing: the same requests, moved.
    denied = 0
    for function, action, resource in sorted(pairs):
        elsewhere = resource.replace("photo-catalogue", "another")
        assert elsewhere != resource, resource
        denied += 1
        if matching(policies[function], action, elsewhere):
            wrong.append(f"{function} may {action} on {elsewhere}")
    buckets = {variable: value for one in found if one["type"] == "aws_lambda_function"
               for variable, value in one["values"]["environment"][0]["variables"].items() if variable.endswith("_BUCKET")}
    for function, action, resource in [
        ("ingest", "s3:PutObject", f"{buckets['SOURCE_BUCKET']}/trip/IMG_1.jpg"),
        ("ingest", "s3:DeleteObject", f"{buckets['ARCHIVE_BUCKET']}/2018-02-01/IMG_1.jpg"),
        ("publish", "s3:PutObject", f"{buckets['GALLERY_BUCKET']}/elsewhere/index.json"),
        ("publish", "s3:GetObject", f"{buckets['ARCHIVE_BUCKET']}/2018-02-01/IMG_1.jpg"),
        ("gallery", "s3:GetObject", f"{buckets['ARCHIVE_BUCKET']}/2018-02-01/IMG_1.jpg"),
    ]:
        denied += 1
        if matching(policies[function], action, f"{partition}:s3:::{resource}"):
            wrong.append(f"{function} may {action} on {resource}")
    for line in wrong:
        print(line)
    print(f"{len(requests)} requests need {len(pairs)} actions on resources; {denied} others are denied; {len(wrong)} findings")
    sys.exit(1 if wrong or not pairs else 0)


if __name__ == "__main__":
    main()
