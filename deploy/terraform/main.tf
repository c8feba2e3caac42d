# The controller of bastion-operator, two replicas on Fargate in private subnets, and all that it needs: the same as
# ../cloudformation/bastion-operator.yaml, which a test compares it with.

data "aws_region" "current" {}
data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  region    = data.aws_region.current.name
  partition = data.aws_partition.current.partition
  tags      = { "bastion-operator.dev/installed-for" = "${local.region}/bastion-operator" }
  alarms_to = var.alarm_topic_arn == "" ? [] : [var.alarm_topic_arn]

  # The documents are written for AWS's usual partition.
  policies = {
    for name in ["boundary-policy", "controller-policy"] :
    name => replace(file("${path.module}/../iam/${name}.json"), "arn:aws:", "arn:${local.partition}:")
  }

  task_trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

# What people asked for, and what became of it.
resource "aws_dynamodb_table" "table" {
  name                        = "bastion-operator"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = true
  tags                        = local.tags

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  # It outlives the module: see README.md.
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_iam_policy" "boundary" {
  name        = "bastion-boundary"
  description = "The most that a role made by bastion-operator may do"
  policy      = local.policies["boundary-policy"]
  tags        = local.tags
}

# At the root path, which its own policy does not reach: it can neither change nor pass itself.
resource "aws_iam_role" "controller" {
  name               = "bastion-operator-controller"
  description        = "What the controller of bastion-operator may do"
  assume_role_policy = local.task_trust
  tags               = merge(local.tags, { "bastion-operator.dev/trusts" = "ecs-tasks.amazonaws.com" })
}

resource "aws_iam_role_policy" "controller" {
  name   = "controller-policy"
  role   = aws_iam_role.controller.id
  policy = local.policies["controller-policy"]
}

resource "aws_iam_role" "execution" {
  name               = "bastion-operator-controller-execution"
  description        = "What ECS needs to start the controller of bastion-operator"
  assume_role_policy = local.task_trust
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_cloudwatch_log_group" "log" {
  name              = "/bastion-controller"
  retention_in_days = var.log_retention_days
}

resource "aws_ecs_cluster" "cluster" {
  name = "bastion-controller"
}

# Nobody connects to it.
resource "aws_security_group" "controller" {
  name_prefix = "bastion-controller-"
  description = "The controller of bastion-operator - nothing in, HTTPS out"
  vpc_id      = var.vpc_id

  egress {
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["0.0.0.0/0"]
    description = "AWS and git over https"
  }
}

resource "aws_ecs_task_definition" "controller" {
  family                   = "bastion-controller"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = "512"
  memory                   = "1024"
  task_role_arn            = aws_iam_role.controller.arn
  execution_role_arn       = aws_iam_role.execution.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  # What has to be kept is in the table: this is for copies of git sources, which can be fetched again.
  volume {
    name = "data"
  }

  container_definitions = jsonencode([{
    name      = "controller"
    image     = var.image
    essential = true
    command = concat([
      "--aws=real",
      "--region=${local.region}",
      "--table=bastion-operator",
      "--image=${var.bastion_image}",
      "--max-ttl=${var.max_ttl}",
      "--permissions-boundary=arn:${local.partition}:iam::{account}:policy/bastion-boundary",
      "--log-format=json",
    ], var.git_source == "" ? [] : ["--git=${var.git_source}"])
    user                   = "65532:65532"
    readonlyRootFilesystem = true
    linuxParameters        = { capabilities = { drop = ["ALL"] } }
    # The one place that can be written to.
    environment = [{ name = "TMPDIR", value = "/data" }]
    mountPoints = [{ sourceVolume = "data", containerPath = "/data", readOnly = false }]
    # It finishes the pass in hand within 20 seconds.
    stopTimeout = 30
    healthCheck = {
      command     = ["CMD", "node", "-e", "fetch('http://127.0.0.1:8089/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
      interval    = 30
      timeout     = 5
      retries     = 3
      startPeriod = 60
    }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.log.name
        awslogs-region        = local.region
        awslogs-stream-prefix = "controller"
      }
    }
  }])
}

resource "aws_ecs_service" "controller" {
  name                               = "bastion-controller"
  cluster                            = aws_ecs_cluster.cluster.id
  task_definition                    = aws_ecs_task_definition.controller.arn
  launch_type                        = "FARGATE"
  desired_count                      = var.desired_count
  deployment_minimum_healthy_percent = 50
  deployment_maximum_percent         = 200

  network_configuration {
    assign_public_ip = false
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.controller.id]
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
}

resource "aws_cloudwatch_log_metric_filter" "errors" {
  name           = "bastion-controller-errors"
  log_group_name = aws_cloudwatch_log_group.log.name
  pattern        = "{ $.level = \"error\" }"

  metric_transformation {
    namespace     = "bastion-operator"
    name          = "ControllerErrors"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "bastion-controller-errors"
  alarm_description   = "The controller logs errors. Read its log, /bastion-controller."
  namespace           = "bastion-operator"
  metric_name         = "ControllerErrors"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 3
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarms_to
}

# Each task reports its CPU once a minute: no report, no controller.
resource "aws_cloudwatch_metric_alarm" "absent" {
  alarm_name          = "bastion-controller-absent"
  alarm_description   = "No controller runs. TTLs are kept by the tasks' own timers only."
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  dimensions          = { ClusterName = aws_ecs_cluster.cluster.name, ServiceName = aws_ecs_service.controller.name }
  statistic           = "SampleCount"
  period              = 60
  evaluation_periods  = 5
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = local.alarms_to
}

# Who leads renews its lease in the table every few seconds: no writes, no leader.
resource "aws_cloudwatch_metric_alarm" "leaderless" {
  alarm_name          = "bastion-controller-leaderless"
  alarm_description   = "Nobody renews the lease in the table, so that no controller leads. Read its log, /bastion-controller."
  namespace           = "AWS/DynamoDB"
  metric_name         = "ConsumedWriteCapacityUnits"
  dimensions          = { TableName = aws_dynamodb_table.table.name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 5
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = local.alarms_to
}

resource "aws_cloudwatch_metric_alarm" "reads_throttled" {
  alarm_name          = "bastion-controller-table-reads-throttled"
  alarm_description   = "DynamoDB throttles reads of the table of bastion-operator."
  namespace           = "AWS/DynamoDB"
  metric_name         = "ReadThrottleEvents"
  dimensions          = { TableName = aws_dynamodb_table.table.name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 3
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarms_to
}

resource "aws_cloudwatch_metric_alarm" "writes_throttled" {
  alarm_name          = "bastion-controller-table-writes-throttled"
  alarm_description   = "DynamoDB throttles writes to the table of bastion-operator, which the lease needs."
  namespace           = "AWS/DynamoDB"
  metric_name         = "WriteThrottleEvents"
  dimensions          = { TableName = aws_dynamodb_table.table.name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 3
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarms_to
}
