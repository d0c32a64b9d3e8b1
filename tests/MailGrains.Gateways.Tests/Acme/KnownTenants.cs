using System.Reflection;
using MailGrains.Contracts.Directory;
using MailGrains.Testing.Orleans;

namespace MailGrains.Gateways.Tests.Acme;

/// <summary>Tenants with their domains, as the grains would tell them; null: such a tenant can't be read.</summary>
internal static class KnownTenants
{
    public static IGrainFactory Of(IReadOnlyDictionary<string, string[]?> domains) => By<IGrainFactory, object>((method, arguments) =>
        method.GetGenericArguments() is [var type] && type == typeof(IDirectoryGrain)
            ? By<IDirectoryGrain, ValueTask<DirectoryPage>>((_, _) => PageOf(domains.Keys.Order(StringComparer.Ordinal)))
            : By<ITenantGrain, ValueTask<DirectoryPage>>((_, _) => PageOf(domains[(string)arguments[0]!])));

    private static ValueTask<DirectoryPage> PageOf(IEnumerable<string>? names) => new(names is null
        ? Task.FromException<DirectoryPage>(new TimeoutException("The tenant does not answer."))
        : Task.FromResult(new DirectoryPage([.. names], null)));

    private static T By<T, TAnswer>(Func<MethodInfo, object?[], TAnswer> answer)
        where T : class => Answering.Make<T>(call => answer(call.Method, call.Arguments));
}
