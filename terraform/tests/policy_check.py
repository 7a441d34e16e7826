"""Compares the requests of the functions with the policies that the module renders.

Usage: `policy_check.py STATE.json REQUESTS.json`. STATE.json is the output of `terraform show -json`.
REQUESTS.json is what tests/it/lambda.rs records.

Two things must be true. Every action that a recorded request needs is allowed on its resource. Every
action that a statement of a function's own code allows was needed on a resource of that statement,
except for those in UNUSED, which have a reason.

The actions that a request needs are from the Service Authorization Reference, "Actions, resources,
and condition keys for Amazon S3" (DynamoDB, Systems Manager, CloudFront), and from the S3 User Guide, "Required
permissions for Amazon S3 API operations".

Exits with 1 if a check fails.
"""

import fnmatch
import json
import re
import sys
from urllib.parse import parse_qs, unquote

# (function, Sid, action): the reason why it is allowed although no test needs it.
UNUSED = {
    ("ingest", "Archive", "s3:AbortMultipartUpload"): "only a copy of more than 5 GB is made in parts",
    ("render", "Catalogue", "dynamodb:UpdateItem"): "only if the privacy rules have changed since ingest wrote the item, and move it to a new date partition",
}
# Statements that Lambda itself needs, not the function's code.
LAMBDAS_OWN = {"Logs", "Queue", "OnFailure", "Stream", "Traces"}


def resources(module):
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from resources(child)


def needed(request, arn, distributions):
    """Returns the actions that one request needs: (action, resource, value of the condition key s3:prefix).

    `distributions` has the ARNs of the CloudFront distributions by their ids.
    """
    return [one if len(one) == 3 else (*one, "") for one in needed_actions(request, arn, distributions)]


def needed_actions(request, arn, distributions):
    service = request["service"]
    operation = (request["target"] or "").rpartition(".")[2]
    if service == "dynamodb":
        names = request["names"]
        # A batch has its keys under the name of their table.
        tables = list(names["RequestItems"]) if "RequestItems" in names else [names["TableName"]]
        index = f"/index/{names['IndexName']}" if "IndexName" in names else ""
        table_arn = f"{arn}:dynamodb:{{region}}:{{account}}:table"
        return [(f"dynamodb:{operation}", f"{table_arn}/{table}{index}") for table in tables]
    if service == "ssm":
        # A name may end in a version, which is no part of the resource.
        names = [name.partition(":")[0] for name in request["names"]["Names"]]
        return [(f"ssm:{operation}", f"{arn}:ssm:{{region}}:{{account}}:parameter{name}") for name in names]
    if service == "cloudfront":
        distribution = re.fullmatch(r"/2020-05-31/distribution/([^/]+)/invalidation", request["path"])
        return [("cloudfront:CreateInvalidation", distributions[distribution[1]])]
    bucket, _, key = unquote(request["path"]).lstrip("/").partition("/")
    query = parse_qs(request["query"] or "", keep_blank_values=True)
    bucket_arn, object_arn = f"{arn}:s3:::{bucket}", f"{arn}:s3:::{bucket}/{key}"
    match request["method"]:
        case "GET" if not key:
            return [("s3:ListBucket", bucket_arn, query.get("prefix", [""])[0])]
        # S3 reports a missing object only to callers that may list the bucket.
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
    raise SystemExit(f"no rule covers the request {request}")


def matching(statements, action, resource, prefix=""):
    def fits(pattern, text):
        # IAM has the wildcards * and ?, but no brackets.
        return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))

    def holds(condition):
        # The module uses one condition only.
        return not condition or any(fits(one, prefix) for one in condition["StringLike"]["s3:prefix"])

    return [
        statement
        for statement in statements
        if any(fits(one, action) for one in statement["Action"])
        and any(fits(one, resource) for one in statement["Resource"])
        and holds(statement.get("Condition"))
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
    # Render has a second policy if there is a distribution.
    for one in found:
        if one["type"] == "aws_iam_role_policy" and one["name"] == "invalidation":
            policies["render"] += json.loads(one["values"]["policy"])["Statement"]
    distributions = {one["values"]["id"]: one["values"]["arn"] for one in found if one["type"] == "aws_cloudfront_distribution"}
    # Region and account, as the policies contain them.
    partition, region, account = re.search(r"(arn:[a-z-]+):dynamodb:([^:]+):([^:]+):", json.dumps(policies)).groups()
    wrong, pairs = [], set()
    for request in requests:
        for action, resource, prefix in needed(request, partition, distributions):
            pairs.add((request["function"], action, resource.format(region=region, account=account), prefix))
    used = set()
    for function, action, resource, prefix in sorted(pairs):
        allowing = matching(policies[function], action, resource, prefix)
        if not allowing:
            wrong.append(f"{function} may not {action} on {resource}")
        used.update((function, statement["Sid"], action) for statement in allowing)
    for function, statements in policies.items():
        for statement in statements:
            assert statement["Effect"] == "Allow" and list(statement.get("Condition", {})) in ([], ["StringLike"]), statement
            for action in statement["Action"]:
                one = (function, statement["Sid"], action)
                if statement["Sid"] in LAMBDAS_OWN or one in used:
                    continue
                if one in UNUSED:
                    print(f"allowed, although no test needs it: {function}: {action}: {UNUSED[one]}")
                else:
                    wrong.append(f"{function}: {statement['Sid']} allows {action}, which no request needed")
    # On other resources than its own, a function may do nothing: the same requests with other names.
    denied = 0
    for function, action, resource, prefix in sorted(pairs):
        elsewhere = resource.replace("photo-catalogue", "another") if "photo-catalogue" in resource else resource + "X"
        denied += 1
        if matching(policies[function], action, elsewhere, prefix):
            wrong.append(f"{function} may {action} on {elsewhere}")
    buckets = {variable: value for one in found if one["type"] == "aws_lambda_function"
               for variable, value in one["values"]["environment"][0]["variables"].items() if variable.endswith("_BUCKET")}
    for function, action, resource in [
        ("ingest", "s3:PutObject", f"{buckets['SOURCE_BUCKET']}/trip/IMG_1.jpg"),
        ("publish", "s3:PutObject", f"{buckets['GALLERY_BUCKET']}/elsewhere/index.json"),
        ("publish", "s3:GetObject", f"{buckets['ARCHIVE_BUCKET']}/2018-02-01/IMG_1.jpg"),
        ("gallery", "s3:GetObject", f"{buckets['ARCHIVE_BUCKET']}/2018-02-01/IMG_1.jpg"),
        ("gallery", "s3:GetObject", f"{buckets['GALLERY_BUCKET']}/gallery/index.json"),
        ("render", "s3:GetObject", f"{buckets['SOURCE_BUCKET']}/trip/IMG_1.jpg"),
        ("render", "s3:PutObject", f"{buckets['ARCHIVE_BUCKET']}/2018-02-01/IMG_1.jpg"),
        ("render", "s3:DeleteObject", f"{buckets['ARCHIVE_BUCKET']}/2018-02-01/IMG_1.jpg"),
        ("render", "s3:PutObject", f"{buckets['GALLERY_BUCKET']}/gallery/index.json"),
        ("render", "s3:ListBucket", buckets["GALLERY_BUCKET"]),
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
