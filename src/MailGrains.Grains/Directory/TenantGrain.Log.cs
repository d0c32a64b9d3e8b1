using MailGrains.Contracts.Directory;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Directory;

public sealed partial class TenantGrain
{
    [LoggerMessage(Level = LogLevel.Information, Message = "PUT {Kind} {Name} of tenant {Tenant}: {Status}")]
    private partial void LogPut(string kind, string name, string tenant, PutStatus status);

    [LoggerMessage(Level = LogLevel.Information, Message = "DELETE {Kind} {Name} of tenant {Tenant}: {Outcome}")]
    private partial void LogDelete(string kind, string name, string tenant, DeleteOutcome outcome);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Another activation of tenant {Tenant} has changed it; the change starts over")]
    private partial void LogConflict(string tenant);
}
