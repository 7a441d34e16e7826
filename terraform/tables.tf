# The tables, as described by schema/tables.json. The code reads the same file.

locals {
  tables      = jsondecode(file("${path.module}/../schema/tables.json"))
  table_names = { for key, table in local.tables : key => "${var.name}-${key}" }
  table_arns  = { for key, name in local.table_names : key => "${local.arn}:dynamodb:${local.region}:${local.account}:table/${name}" }

  # All keys are strings.
  table_attributes = {
    for key, table in local.tables : key => toset(compact(concat(
      [table.partitionKey, try(table.sortKey, null)],
      flatten([for index in table.indexes : [index.partitionKey, index.sortKey]]),
    )))
  }
}

resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_119:DynamoDB's own key, which is free; a KMS key would cost a request for every few reads

  for_each = local.tables

  name                        = local.table_names[each.key]
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.value.partitionKey
  range_key                   = try(each.value.sortKey, null)
  stream_enabled              = try(each.value.stream, null) != null
  stream_view_type            = try(each.value.stream, null)
  deletion_protection_enabled = var.deletion_protection
  tags                        = local.tags

  dynamic "attribute" {
    for_each = local.table_attributes[each.key]

    content {
      name = attribute.value
      type = "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = { for index in each.value.indexes : index.name => index }

    content {
      name               = global_secondary_index.key
      hash_key           = global_secondary_index.value.partitionKey
      range_key          = global_secondary_index.value.sortKey
      projection_type    = "INCLUDE"
      non_key_attributes = global_secondary_index.value.project
    }
  }

  point_in_time_recovery {
    enabled = var.point_in_time_recovery
  }
}
