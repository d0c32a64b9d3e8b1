using MailGrains.Host.Configuration;
using MailGrains.Host.Startup;

namespace MailGrains.Host.Tests.Startup;

public sealed class SecretTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mailgrains-secret").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_configured_secret_is_taken_and_no_file_is_made()
    {
        var secret = Secret.Of("configured", _folder, "key");

        Assert.Equal("configured", secret.Value);
        Assert.Null(secret.Path);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public void It_is_made_once_of_256_bits_and_kept()
    {
        var first = Secret.Of(null, Path.Combine(_folder, "deeper"), "key");
        var second = Secret.Of(null, Path.Combine(_folder, "deeper"), "key");

        Assert.Equal(64, first.Value.Length);
        Assert.Equal(first, second);
        Assert.Single(Directory.EnumerateFileSystemEntries(Path.Combine(_folder, "deeper")));
    }

    [Fact]
    public void Only_its_owner_can_read_the_file()
    {
        var secret = Secret.Of(null, _folder, "key");

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(secret.Path!));
    }

    [Fact]
    public void An_empty_file_is_replaced()
    {
        File.WriteAllText(Path.Combine(_folder, "key"), "");

        Assert.Equal(64, Secret.Of(null, _folder, "key").Value.Length);
    }

    [Fact]
    public async Task Many_that_make_it_at_once_get_the_same()
    {
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var makers = Enumerable.Range(0, 16).Select(async _ =>
        {
            await start.Task;
            return Secret.Of(null, _folder, "key").Value;
        }).ToArray();
        start.SetResult();

        Assert.Single((await Task.WhenAll(makers)).Distinct());
        Assert.Single(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public void Without_a_data_folder_it_has_to_be_configured_and_the_error_says_how()
    {
        var azure = new StorageSettings(StorageProvider.Azure, Path.Combine(_folder, "data"), Shared: false);

        Assert.Equal("configured", Secret.Of("configured", azure, "Admin:ApiKey", "admin.key").Value);
        var error = Assert.Throws<SettingsException>(() => Secret.Of(null, azure, "Admin:ApiKey", "admin.key"));
        Assert.StartsWith("MailGrains:Admin:ApiKey is not set", error.Message, StringComparison.Ordinal);
        Assert.Contains("az keyvault secret set --vault-name <vault> --name MailGrains--Admin--ApiKey", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
        Assert.NotNull(Secret.Of(null, azure with { Provider = StorageProvider.Sqlite }, "Admin:ApiKey", "admin.key").Path);
    }

    [Fact]
    public void Its_text_does_not_show_it()
    {
        Assert.DoesNotContain("configured", Secret.Of("configured", _folder, "key").ToString(), StringComparison.Ordinal);
    }
}
