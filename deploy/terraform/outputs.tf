output "endpoint" {
  description = "HTTPS address of the service."
  value       = try(aws_cloudformation_stack.boxlet.outputs["Endpoint"], null)
}

output "function_name" {
  description = "Name of the function."
  value       = var.name
}

output "function_arn" {
  description = "ARN of the live alias."
  value       = try(aws_cloudformation_stack.boxlet.outputs["FunctionArn"], null)
}

output "outputs" {
  description = "All outputs of the stack."
  value       = aws_cloudformation_stack.boxlet.outputs
}
