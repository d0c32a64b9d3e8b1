using Microsoft.Extensions.Logging;

namespace MailGrains.Storage.Orleans;

internal sealed partial class TableStoreMembershipTable
{
    [LoggerMessage(1, LogLevel.Error, "The row {Row} of cluster {ClusterId} in the membership table is not readable; it counts as absent.")]
    private partial void LogUnreadableSilo(Exception exception, string clusterId, string row);

    [LoggerMessage(2, LogLevel.Debug, "Another change of membership came before version {Version}, which was to write row {Row}.")]
    private partial void LogLostRace(string row, int version);
}
