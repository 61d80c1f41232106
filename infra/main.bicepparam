// Values come from the azd environment (azd env set NAME VALUE). Outputs of main.bicep land in the same environment,
// so no output but azd's own AZURE_LOCATION and AZURE_RESOURCE_GROUP has the name of a variable read here.
using './main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'dev')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param resourceGroupName = readEnvironmentVariable('AZURE_RESOURCE_GROUP', '')
param deployerPrincipalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param deployerPrincipalType = readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User')
param existingRegistries = json(readEnvironmentVariable('SLIPWAY_EXISTING_REGISTRIES', '[]'))
param registrySku = readEnvironmentVariable('SLIPWAY_REGISTRY_SKU', 'Basic')
param nodeVersion = readEnvironmentVariable('SLIPWAY_NODE_VERSION', '24')
param instanceMemoryMB = int(readEnvironmentVariable('SLIPWAY_INSTANCE_MEMORY_MB', '512'))
param maximumInstanceCount = int(readEnvironmentVariable('SLIPWAY_MAXIMUM_INSTANCE_COUNT', '40'))
param storageSku = readEnvironmentVariable('SLIPWAY_STORAGE_SKU', 'Standard_LRS')
param logRetentionDays = int(readEnvironmentVariable('SLIPWAY_LOG_RETENTION_DAYS', '90'))
param telemetryRetentionDays = int(readEnvironmentVariable('SLIPWAY_TELEMETRY_RETENTION_DAYS', '30'))
param telemetryDailyCapGb = int(readEnvironmentVariable('SLIPWAY_TELEMETRY_DAILY_CAP_GB', '1'))
param gitHubAppId = readEnvironmentVariable('SLIPWAY_GITHUB_APP_ID', '')
param gitHubApiUrl = readEnvironmentVariable('SLIPWAY_GITHUB_API_URL', 'https://api.github.com')
param publicUrl = readEnvironmentVariable('SLIPWAY_PUBLIC_URL', '')
param sweepSchedule = readEnvironmentVariable('SLIPWAY_SWEEP_SCHEDULE', '0 * * * * *')
param baseCheckSchedule = readEnvironmentVariable('SLIPWAY_BASE_CHECK_SCHEDULE', '30 * * * * *')
param rotatingWebhookSecret = bool(readEnvironmentVariable('SLIPWAY_ROTATING_WEBHOOK_SECRET', 'false'))
