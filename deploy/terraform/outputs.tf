output "table_name" {
  description = "For bastionctl --table."
  value       = aws_dynamodb_table.table.name
}

output "controller_role_arn" {
  description = "What roles in other accounts have to trust."
  value       = aws_iam_role.controller.arn
}

output "boundary_arn" {
  description = "Of every role that the controller makes."
  value       = aws_iam_policy.boundary.arn
}

output "log_group_name" {
  description = "Where the controller writes."
  value       = aws_cloudwatch_log_group.log.name
}

output "security_group_id" {
  description = "For a rule to a git server of your own."
  value       = aws_security_group.controller.id
}
