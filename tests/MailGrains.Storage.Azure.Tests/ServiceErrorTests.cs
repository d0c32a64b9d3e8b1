using MailGrains.Storage.Tables;
using MailGrains.Testing.Metrics;

namespace MailGrains.Storage.Azure.Tests;

/// <summary>What the service's own errors mean to a caller, and that a transaction is sent once whatever the answer.</summary>
public sealed class ServiceErrorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(400, "InvalidInput", StoreFailure.Unavailable)]
    [InlineData(400, "EntityTooLarge", StoreFailure.Refused)]
    [InlineData(400, "PropertyValueTooLarge", StoreFailure.Refused)]
    [InlineData(413, "RequestBodyTooLarge", StoreFailure.Refused)]
    [InlineData(401, "InvalidAuthenticationInfo", StoreFailure.Unavailable)]
    [InlineData(403, "AuthorizationPermissionMismatch", StoreFailure.Unavailable)]
    [InlineData(403, "AccountIsDisabled", StoreFailure.Unavailable)]
    [InlineData(404, "ResourceNotFound", null)]
    [InlineData(404, "AccountNotFound", StoreFailure.Unavailable)]
    [InlineData(409, "EntityAlreadyExists", null)]
    [InlineData(409, "TableBeingDeleted", StoreFailure.Unavailable)]
    [InlineData(412, "UpdateConditionNotSatisfied", null)]
    [InlineData(429, "TooManyRequests", StoreFailure.Unavailable)]
    [InlineData(500, "InternalError", StoreFailure.Unknown)]
    [InlineData(500, "OperationTimedOut", StoreFailure.Unknown)]
    [InlineData(502, "BadGateway", StoreFailure.Unknown)]
    [InlineData(503, "ServerBusy", StoreFailure.Unavailable)]
    [InlineData(504, "GatewayTimeout", StoreFailure.Unknown)]
    [InlineData(507, "InsufficientStorage", StoreFailure.Full)]
    public async Task ATransactionIsSentOnceAndItsErrorSaysWhetherItMayHaveBeenWritten(int status, string code, StoreFailure? expected)
    {
        await using var service = new CannedService(status, code);
        using var meters = new MeasuredMeters();
        var tables = TablesOf(service, meters);
        TableOperation[][] commits =
        [
            [TableOperation.Insert("r", Value)],
            [TableOperation.Insert("r", Value), TableOperation.Insert("s", Value)],
        ];
        foreach (var operations in commits)
        {
            if (expected is { } failure)
            {
                var error = await Assert.ThrowsAsync<StoreException>(() => tables.CommitAsync(TableNames.Mail, "p", operations, Token).AsTask());
                Assert.Equal(failure, error.Failure);
                Assert.Contains($"{status} {code}", error.Message);
            }
            else
            {
                Assert.False((await tables.CommitAsync(TableNames.Mail, "p", operations, Token)).Committed);
            }
        }

        Assert.Equal(2, service.Requests);
        Assert.Equal(2, meters.Sum(StoreMetrics.RequestsName, "service=table"));
        Assert.Equal(2, meters.Sum(StoreMetrics.CommitsName, $"outcome={(expected is { } label ? label.ToString().ToLowerInvariant() : "conflict")}"));
    }

    [Fact]
    public async Task AReadIsRepeatedAFewTimesWhileTheServiceIsBusy()
    {
        await using var service = new CannedService(503, "ServerBusy");
        using var meters = new MeasuredMeters();
        var error = await Assert.ThrowsAsync<StoreException>(() => TablesOf(service, meters).ReadAsync(TableNames.Mail, "p", "r", Token).AsTask());
        Assert.Equal(StoreFailure.Unavailable, error.Failure);
        Assert.Equal(4, service.Requests);
    }

    [Fact]
    public async Task ABlobThatTheServiceRefusesForWantOfRoomIsFull()
    {
        await using var service = new CannedService(507, "InsufficientStorage", xml: true);
        using var meters = new MeasuredMeters();
        var (once, repeating) = ClientsOf(service, meters, out var options).Container(options, "0");
        var blobs = new AzureBlobStore(once, repeating, TimeProvider.System);
        var error = await Assert.ThrowsAsync<StoreException>(() => blobs.WriteAsync("b/1", new MemoryStream([1]), Token));
        Assert.Equal(StoreFailure.Full, error.Failure);
        Assert.Equal(1, service.Requests);
    }

    private static Dictionary<string, TableValue> Value => new() { ["v"] = 1L };

    private static AzureTableStore TablesOf(CannedService service, MeasuredMeters meters) =>
        ClientsOf(service, meters, out var options).Tables(options, "0", TimeProvider.System);

    private static AzureClients ClientsOf(CannedService service, MeasuredMeters meters, out AzureAccountOptions account)
    {
        account = new AzureAccountOptions { ConnectionString = service.ConnectionString };
        return new AzureClients(
            new AzureStorageOptions(), new StoreMetrics(meters.Create(new(StoreMetrics.MeterName)), "azure"), () => throw new InvalidOperationException());
    }
}
