# The stack is the template that "boxlet deploy" deploys, so that both give the same resources and permissions.
# Terraform uploads the package and owns the stack.

locals {
  package_hash = filesha256(var.package)
  layer_key    = var.layer == null ? "" : "packages/${filesha256(var.layer)}.zip"
  compact      = jsonencode(jsondecode(file("${path.module}/template.json")))
  template     = replace(local.compact, "PACKAGEHASH", substr(local.package_hash, 0, 12))
  template_key = "templates/${substr(sha256(local.template), 0, 16)}.json"

  parameters = merge(
    {
      CodeBucket     = var.bucket
      CodeKey        = "packages/${local.package_hash}.zip"
      LayerKey       = local.layer_key
      Architecture   = var.architecture
      MemorySize     = tostring(var.memory_size)
      Auth           = var.auth
      KeysParameter  = var.keys_parameter
      DataBucketName = var.data_bucket_name
    },
    var.parameters,
  )
  # A version of a function never changes, so any other setting needs another version, and this makes one.
  revision = substr(sha256(jsonencode([local.package_hash, local.parameters])), 0, 16)
}

resource "aws_s3_object" "package" {
  bucket = var.bucket
  key    = local.parameters.CodeKey
  source = var.package
}

resource "aws_s3_object" "layer" {
  count  = var.layer == null ? 0 : 1
  bucket = var.bucket
  key    = local.layer_key
  source = var.layer
}

# A call itself takes 51,200 bytes, which the template is beyond.
resource "aws_s3_object" "template" {
  bucket       = var.bucket
  key          = local.template_key
  content      = local.template
  content_type = "application/json"
}

resource "aws_cloudformation_stack" "boxlet" {
  name         = var.name
  template_url = "https://${var.bucket}.s3.amazonaws.com/${local.template_key}"
  capabilities = ["CAPABILITY_IAM"]
  on_failure   = "ROLLBACK"
  tags         = var.tags

  parameters = merge({ Revision = local.revision }, local.parameters)

  # The keys of objects are known before the objects are there.
  depends_on = [aws_s3_object.package, aws_s3_object.layer, aws_s3_object.template]

  lifecycle {
    precondition {
      condition     = local.parameters.Auth != "keys" || local.parameters.KeysParameter != "" || lookup(local.parameters, "KeysSecretArn", "") != ""
      error_message = "Expected keys_parameter, or KeysSecretArn among parameters, for auth = \"keys\"."
    }
  }
}
